// NonZero and Compress: how much they keep follows from the data.
#include <cstring>

#include "graph/axis.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

Result<std::vector<Tensor>> run_nonzero(const WholeCall& call) {
  const Tensor& data = call.in(0);
  // A scalar counts as one axis of size 1.
  const int rank = std::max(data.shape().rank(), 1);
  std::vector<std::int64_t> found;
  dispatch(data.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto values = data.as<T>();
    for (std::size_t i = 0; i < values.size(); i++) {
      if (static_cast<Compute<T>>(values[i]) != Compute<T>{}) found.push_back(static_cast<std::int64_t>(i));
    }
  });
  const auto count = static_cast<std::int64_t>(found.size());
  auto made = Tensor::allocate(DType::i64, {rank, count});
  const auto strides = data.shape().strides();
  for (std::int64_t i = 0; i < count; i++) {
    std::int64_t rest = found[static_cast<std::size_t>(i)];
    for (int axis = 0; axis < rank; axis++) {
      const std::int64_t stride = data.shape().rank() ? strides[static_cast<std::size_t>(axis)] : 1;
      made.as<std::int64_t>()[axis * count + i] = rest / stride;
      rest %= stride;
    }
  }
  return std::vector<Tensor>{made.tensor};
}

Result<std::vector<Tensor>> run_compress(const WholeCall& call) {
  const Tensor &data = call.in(0), &condition = call.in(1);
  if (condition.type() != DType::boolean || condition.shape().rank() != 1) {
    return make_error(Code::bad_input, "the condition must be a vector of bool");
  }
  std::int64_t outer = 1, count = data.elements(), inner = 1;
  Shape shape = {0};
  int axis = 0;
  if (call.node.attributes.has("axis")) {
    ADZE_TRY(axis, axis_attribute(call.node, 0, data.shape().rank()));
    outer = data.shape().elements(0, axis);
    count = data.shape()[axis];
    inner = data.shape().elements(axis + 1, data.shape().rank());
    shape = data.shape();
  }
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0; i < std::min(count, condition.elements()); i++) {
    if (condition.as<bool>()[static_cast<std::size_t>(i)]) kept.push_back(i);
  }
  for (std::int64_t i = count; i < condition.elements(); i++) {
    if (condition.as<bool>()[static_cast<std::size_t>(i)]) {
      return make_error(Code::bad_input, "the condition selects ", i, " of ", count);
    }
  }
  shape[axis] = static_cast<std::int64_t>(kept.size());
  auto made = Tensor::allocate(data.type(), shape);
  const auto bytes = static_cast<std::size_t>(inner) * size_of(data.type());
  std::byte* dst = made.bytes.data();
  for (std::int64_t o = 0; o < outer && bytes > 0; o++) {
    for (const std::int64_t i : kept) {
      std::memcpy(dst, data.raw() + static_cast<std::size_t>(o * count + i) * bytes, bytes);
      dst += bytes;
    }
  }
  return std::vector<Tensor>{made.tensor};
}

constexpr int kNonZero[] = {9, 13}, kCompress[] = {9, 11, 28};
constexpr TypeMask kAny[] = {kAnyType}, kCompressTypes[] = {kAnyType, types(DType::boolean)};
constexpr AttrSpec kAxis[] = {{"axis", AttrKind::integer}};

constexpr OpDef kOps[] = {{.name = "NonZero",
                           .versions = kNonZero,
                           .input_types = kAny,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::i64; },
                           .run_whole = run_nonzero},
                          {.name = "Compress",
                           .versions = kCompress,
                           .attributes = kAxis,
                           .inputs = {2, 2},
                           .input_types = kCompressTypes,
                           .run_whole = run_compress}};

}  // namespace
extern const std::span<const OpDef> ops_nonzero;
constinit const std::span<const OpDef> ops_nonzero{kOps};

}  // namespace adze
