#include "tools/npy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <numeric>

#include "graph/evaluate.h"
#include "graph/onnx/file.h"

namespace adze {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{4} << 30;
constexpr std::string_view kMagic = "\x93NUMPY";

std::optional<DType> type_named(std::string_view descr) {
  if (descr.size() < 2) return std::nullopt;
  if (descr[0] == '>') return std::nullopt;
  if (descr[0] == '<' || descr[0] == '|' || descr[0] == '=') descr.remove_prefix(1);
  for (int code = 1; code <= static_cast<int>(DType::bf16); code++) {
    const auto type = static_cast<DType>(code);
    if (!numpy_name_of(type).empty() && numpy_name_of(type) == descr) return type;
  }
  return std::nullopt;
}

// The text after 'key': in the header's dictionary.
std::string_view entry(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(key);
  if (at == header.npos) return {};
  std::string_view rest = header.substr(at + key.size());
  const std::size_t colon = rest.find(':');
  if (colon == rest.npos) return {};
  rest.remove_prefix(colon + 1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

Result<Shape> parse_shape(std::string_view text) {
  const Error malformed = make_error(Code::bad_input, "the shape in its header is malformed");
  if (text.empty() || text.front() != '(') return malformed;
  text.remove_prefix(1);
  Shape shape;
  while (true) {
    while (!text.empty() && (text.front() == ' ' || text.front() == ',')) text.remove_prefix(1);
    if (text.empty()) return malformed;
    if (text.front() == ')') return shape;
    std::int64_t dim = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), dim);
    if (error != std::errc() || dim < 0) return malformed;
    if (shape.rank() == kMaxRank) return make_error(Code::unsupported, "its rank is above ", kMaxRank);
    shape.push_back(dim);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
}

Result<Tensor> parse(const FileBytes& file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data.get()), file.size);
  if (text.substr(0, kMagic.size()) != kMagic || text.size() < 12)
    return make_error(Code::bad_input, "is not a .npy file");
  const bool wide = text[6] >= 2;  // versions 2 and 3 have a longer header length
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
  const std::size_t length = byte(8) | byte(9) << 8 | (wide ? byte(10) << 16 | byte(11) << 24 : 0);
  const std::size_t start = (wide ? 12 : 10) + length;
  if (start > text.size()) return make_error(Code::bad_input, "its header is cut off");
  const std::string_view header = text.substr(0, start);
  std::string_view descr = entry(header, "'descr'");
  const std::size_t quote = descr.empty() ? descr.npos : descr.find(descr.front(), 1);
  descr = quote == descr.npos ? std::string_view{} : descr.substr(1, quote - 1);
  const auto type = type_named(descr);
  if (!type) {
    return make_error(Code::bad_input, "its element type \"", descr,
                      "\" is not supported; bool and little-endian numbers are, such as <f4");
  }
  ADZE_TRY(const Shape shape, parse_shape(entry(header, "'shape'")));
  const auto bytes = byte_size(shape, size_of(*type));
  if (!bytes || text.size() - start != *bytes) {
    return make_error(Code::bad_input, "holds ", text.size() - start, " bytes for shape ", to_string(shape));
  }
  const bool fortran = entry(header, "'fortran_order'").starts_with("True");
  Shape stored = shape;
  if (fortran) {
    for (int axis = 0; axis < shape.rank(); axis++) stored[axis] = shape[shape.rank() - 1 - axis];
  }
  auto made = Tensor::allocate(*type, stored);
  std::memcpy(made.bytes.data(), text.data() + start, *bytes);
  if (!fortran) return made.tensor;
  std::vector<int> perm(static_cast<std::size_t>(shape.rank()));
  std::iota(perm.rbegin(), perm.rend(), 0);
  return transposed(made.tensor, perm);
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return make_error(Code::resource_limit, std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

Result<Tensor> read_npy(const std::string& path) {
  ADZE_TRY(const FileBytes file, read_file(path, kMaxBytes));
  auto tensor = parse(file);
  if (!tensor) return std::move(tensor).error().with_context(path);
  return tensor;
}

Result<void> write_npy(const std::string& path, DType type, const Shape& shape, std::span<const std::byte> bytes) {
  if (numpy_name_of(type).empty())
    return make_error(Code::unsupported, path, ": NumPy has no type for ", name_of(type));
  std::string dims;
  for (const std::int64_t dim : shape) dims += std::to_string(dim) + ",";
  std::string header = concat("{'descr': '", size_of(type) == 1 ? '|' : '<', numpy_name_of(type),
                              "', 'fortran_order': False, 'shape': (", dims, "), }");
  constexpr std::size_t kPrefix = 10;
  header.append((64 - (kPrefix + header.size() + 1) % 64) % 64, ' ');  // the data starts at a multiple of 64
  header += '\n';
  std::string prefix(kMagic);
  prefix += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};

  const std::string temporary = path + ".partial";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return make_error(Code::bad_input, temporary, ": ", std::strerror(errno));
  Result<void> written = write_all(fd, prefix);
  if (written) written = write_all(fd, header);
  if (written) written = write_all(fd, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  // Some file systems report a full disk only here.
  if (written && fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
    written = make_error(Code::resource_limit, std::strerror(errno));
  if (close(fd) != 0 && written) written = make_error(Code::resource_limit, std::strerror(errno));
  if (written && rename(temporary.c_str(), path.c_str()) != 0)
    written = make_error(Code::bad_input, std::strerror(errno));
  if (!written) {
    unlink(temporary.c_str());
    return std::move(written).error().with_context(path);
  }
  return {};
}

}  // namespace adze
