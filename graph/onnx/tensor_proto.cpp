#include "graph/onnx/tensor_proto.h"

#include <charconv>
#include <cstring>

#include "graph/core/narrow.h"
#include "graph/onnx/lean_stream.h"
#include "graph/onnx/unsupported.h"

namespace adze {
namespace {

Result<Shape> shape_of(const onnx::TensorProto& proto) {
  if (proto.dims_size() > kMaxRank) {
    return make_error(Code::unsupported, "rank ", proto.dims_size(), " is above the limit of ", kMaxRank);
  }
  Shape shape;
  for (const std::int64_t dim : proto.dims()) {
    if (dim < 0) return make_error(Code::invalid_model, "dimension ", dim, " is negative");
    shape.push_back(dim);
  }
  return shape;
}

// Elements kept one per entry of a typed field, narrower ones in its low bits.
template <class Stored, class Field>
Tensor from_field(DType type, const Shape& shape, const Field& field) {
  auto made = Tensor::allocate(type, shape);
  auto* out = made.template as<Stored>();
  for (int i = 0; i < field.size(); i++) out[i] = static_cast<Stored>(field[i]);
  return made.tensor;
}

int field_size(const onnx::TensorProto& proto, DType type) {
  switch (type) {
    case DType::f32:
      return proto.float_data_size();
    case DType::f64:
      return proto.double_data_size();
    case DType::i64:
      return proto.int64_data_size();
    case DType::u32:
    case DType::u64:
      return proto.uint64_data_size();
    default:
      return proto.int32_data_size();
  }
}

Result<Tensor> from_fields(const onnx::TensorProto& proto, DType type, const Shape& shape, std::int64_t elements) {
  if (field_size(proto, type) != elements) {
    return make_error(Code::invalid_model, "holds ", field_size(proto, type), " elements, but its shape ",
                      to_string(shape), " has ", elements);
  }
  switch (type) {
    case DType::f32:
      return from_field<float>(type, shape, proto.float_data());
    case DType::f64:
      return from_field<double>(type, shape, proto.double_data());
    case DType::i64:
      return from_field<std::int64_t>(type, shape, proto.int64_data());
    case DType::u64:
      return from_field<std::uint64_t>(type, shape, proto.uint64_data());
    case DType::u32:
      return from_field<std::uint32_t>(type, shape, proto.uint64_data());
    case DType::i32:
      return from_field<std::int32_t>(type, shape, proto.int32_data());
    case DType::boolean:
      return from_field<bool>(type, shape, proto.int32_data());
    default:  // 8 and 16 bits wide, 16-bit floats by their bit pattern
      return size_of(type) == 1 ? from_field<std::uint8_t>(type, shape, proto.int32_data())
                                : from_field<std::uint16_t>(type, shape, proto.int32_data());
  }
}

Result<std::uint64_t> parse_number(std::string_view key, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return make_error(Code::invalid_model, "external data ", key, " \"", text.substr(0, 32), "\" is not a number");
  }
  return value;
}

Result<void> check_raw_size(std::uint64_t size, DType type, const Shape& shape, std::size_t bytes) {
  if (size == bytes) return {};
  return make_error(Code::invalid_model, "raw_data has ", size, " bytes, but shape ", to_string(shape), " of ",
                    name_of(type), " takes ", bytes);
}

// Every byte of a bool must be 0 or 1 for C++.
void normalise_bools(std::span<std::byte> bytes) {
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(byte != std::byte{0});
}

// A tensor whose bytes are a range of a file; `what` names them in errors. A small one is read now.
Result<Tensor> in_file(DType type, const Shape& shape, std::shared_ptr<const File> file, std::uint64_t offset,
                       std::string what) {
  const Tensor tensor = Tensor::deferred(type, shape, [=](std::span<std::byte> to) -> Result<void> {
    if (auto read = file->read(offset, to); !read) return std::move(read).error().with_context(what);
    if (type == DType::boolean) normalise_bools(to);
    return {};
  });
  return tensor.bytes() < kLeftOutBytes ? tensor.resident() : tensor;
}

Result<Tensor> from_external(const onnx::TensorProto& proto, DType type, const Shape& shape, std::size_t bytes,
                             const TensorFiles& files) {
  std::string location;
  std::uint64_t offset = 0, length = bytes;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") {
      location = entry.value();
    } else if (entry.key() == "offset") {
      ADZE_TRY(offset, parse_number("offset", entry.value()));
    } else if (entry.key() == "length") {
      ADZE_TRY(length, parse_number("length", entry.value()));
    } else if (entry.key() != "checksum") {
      return make_error(Code::invalid_model, "external data has an unknown key");
    }
  }
  if (length != bytes) {
    return make_error(Code::invalid_model, "external data length ", length, " is not the ", bytes, " bytes of shape ",
                      to_string(shape));
  }
  const std::string what = concat("external data \"", printable(location), '"');
  auto file = files.external(location);
  if (!file) return std::move(file).error().with_context(what);
  if (!(*file)->has(offset, length)) {
    return make_error(Code::invalid_model, what, ": ", length, " bytes at offset ", offset, " exceed the file's ",
                      (*file)->size());
  }
  return in_file(type, shape, *file, offset, what);
}

// raw_data that was left out of the message.
Result<Tensor> from_model(const onnx::TensorProto& proto, DType type, const Shape& shape, std::size_t bytes,
                          const TensorFiles& files) {
  ADZE_CHECK(check_raw_size(proto.raw_size(), type, shape, bytes));
  if (proto.has_raw_data() || !files.model()->has(proto.raw_offset(), bytes)) {
    return make_error(Code::invalid_model, "raw_data is not one stretch of the file");
  }
  return in_file(type, shape, files.model(), proto.raw_offset(), "raw_data");
}

Result<Tensor> read_whole_bytes(onnx::TensorProto& proto, DType type, const Shape& shape, const TensorFiles& files) {
  const auto elements = shape.checked_elements();
  const auto bytes = byte_size(shape, size_of(type));
  if (!elements || !bytes) return make_error(Code::invalid_model, "shape ", to_string(shape), " is too large");
  if (proto.data_location() == 1) return from_external(proto, type, shape, *bytes, files);
  if (proto.has_raw_offset() && files.model()) return from_model(proto, type, shape, *bytes, files);
  if (!proto.has_raw_data()) return from_fields(proto, type, shape, *elements);
  ADZE_CHECK(check_raw_size(proto.raw_data().size(), type, shape, *bytes));
  auto owner = std::make_shared<std::string>(std::move(*proto.mutable_raw_data()));
  proto.clear_raw_data();
  auto* data = reinterpret_cast<std::byte*>(owner->data());
  if (type == DType::boolean) normalise_bools({data, *bytes});
  return Tensor(type, shape, std::shared_ptr<const std::byte>(std::move(owner), data));
}

}  // namespace

Result<DType> element_type(int code) {
  const auto type = static_cast<DType>(code < 0 || code > 255 ? 0 : code);
  if (size_of(type) != 0) return type;
  const bool named = name_of(type) != name_of(DType::undefined);
  const std::string name = named ? concat(" (", name_of(type), ')') : std::string();
  return make_error(Code::unsupported, "element type ", code, name, " is not supported");
}

Result<Tensor> to_tensor(onnx::TensorProto& proto, const TensorFiles& files) {
  ADZE_TRY(const DType type, element_type(proto.data_type()));
  ADZE_TRY(const Shape shape, shape_of(proto));
  if (proto.has_segment()) return make_error(Code::unsupported, "segmented tensors are not supported");
  if (file_bits_of(type) >= 8) return read_whole_bytes(proto, type, shape, files);
  const auto elements = shape.checked_elements();
  if (!elements) return make_error(Code::invalid_model, "shape ", to_string(shape), " is too large");
  // Each entry of int32_data, too, is a byte of packed elements.
  const auto size = static_cast<std::int64_t>(packed_size(type, static_cast<std::size_t>(*elements)));
  ADZE_TRY(Tensor packed, read_whole_bytes(proto, DType::u8, {size}, files));
  ADZE_TRY(packed, packed.resident());
  auto made = Tensor::allocate(type, shape);
  unpack(type, {packed.raw(), packed.bytes()}, made.bytes);
  return made.tensor;
}

Result<Tensor> to_resident_tensor(onnx::TensorProto& proto, const TensorFiles& files) {
  ADZE_TRY(const Tensor tensor, to_tensor(proto, files));
  return tensor.resident();
}

onnx::TensorProto to_proto(const Tensor& tensor, const std::string& name) {
  onnx::TensorProto proto;
  for (const std::int64_t dim : tensor.shape()) proto.add_dims(dim);
  proto.set_data_type(static_cast<int>(tensor.type()));
  proto.set_name(name);
  if (file_bits_of(tensor.type()) >= 8) {
    proto.set_raw_data(tensor.raw(), tensor.bytes());
    return proto;
  }
  std::vector<std::byte> packed(packed_size(tensor.type(), static_cast<std::size_t>(tensor.elements())));
  pack(tensor.type(), {tensor.raw(), tensor.bytes()}, packed);
  proto.set_raw_data(packed.data(), packed.size());
  return proto;
}

}  // namespace adze
