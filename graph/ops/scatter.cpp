// ScatterElements (Scatter before 11), ScatterND, TensorScatter: the data with some elements replaced by, or combined
// with, updates. Indices may be negative; one out of range fails the run. Updates are applied in their order.
#include <cstring>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr const char* kOutOfRange = "an index is out of range";

enum class Reduction { none, add, mul, max, min };

std::optional<Reduction> reduction_of(const Node& node) {
  const std::string name = node.attributes.string("reduction", "none");
  constexpr std::string_view kNames[] = {"none", "add", "mul", "max", "min"};
  for (int i = 0; i < 5; i++) {
    if (kNames[i] == name) return static_cast<Reduction>(i);
  }
  return std::nullopt;
}

Result<void> check(const Node& node) {
  if (reduction_of(node)) return {};
  return make_error(Code::invalid_model, "attribute \"reduction\" is \"", node.attributes.string("reduction", ""), '"');
}

// Combines n updates into n neighbouring elements. Bool adds as "or" and multiplies as "and".
void combine(Reduction reduction, DType type, std::byte* dst, const std::byte* src, std::int64_t n) {
  if (reduction == Reduction::none) {
    std::memcpy(dst, src, static_cast<std::size_t>(n) * size_of(type));
    return;
  }
  dispatch(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = std::conditional_t<std::is_same_v<T, bool>, int, Compute<T>>;
    T* to = reinterpret_cast<T*>(dst);
    const T* from = reinterpret_cast<const T*>(src);
    for (std::int64_t i = 0; i < n; i++) {
      const C a = static_cast<C>(to[i]), b = static_cast<C>(from[i]);
      switch (reduction) {
        case Reduction::add:
          to[i] = static_cast<T>(static_cast<C>(a + b));
          break;
        case Reduction::mul:
          to[i] = static_cast<T>(static_cast<C>(a * b));
          break;
        case Reduction::max:
          to[i] = static_cast<T>(a < b ? b : a);
          break;
        default:
          to[i] = static_cast<T>(b < a ? b : a);
      }
    }
  });
}

std::int64_t index_at(const Call& call, DType type, std::int64_t i) {
  return type == DType::i64 ? call.in<std::int64_t>(1)[i] : call.in<std::int32_t>(1)[i];
}

struct Args {
  Reduction reduction;
  DType type, index_type;
  std::size_t bytes;  // of the data
  Shape indices;
  std::array<std::int64_t, kMaxRank> strides;  // of the data
  int axis;                                    // ScatterElements
  std::int64_t axis_size;
  std::vector<std::int64_t> dims;  // ScatterND: of the indexed axes
  std::int64_t count, inner;       // ScatterND: index rows, and elements of one update
};

// Where outputs may meet the same element twice, one thread keeps the order.
void run_elements(const Args& args, const Call& call) {
  if (call.slice.part != 0) return;
  std::byte* out = call.out<std::byte>();
  if (out != call.in<std::byte>()) std::memcpy(out, call.in<std::byte>(), args.bytes);
  const std::size_t size = size_of(args.type);
  for (std::int64_t i = 0, n = args.indices.elements(); i < n; i++) {
    std::int64_t index = index_at(call, args.index_type, i);
    if (index < -args.axis_size || index >= args.axis_size) return call.failure.set(kOutOfRange);
    if (index < 0) index += args.axis_size;
    std::int64_t offset = index * args.strides[static_cast<std::size_t>(args.axis)], rest = i;
    for (int axis = args.indices.rank() - 1; axis >= 0; axis--) {
      if (axis != args.axis) offset += rest % args.indices[axis] * args.strides[static_cast<std::size_t>(axis)];
      rest /= args.indices[axis];
    }
    combine(args.reduction, args.type, out + static_cast<std::size_t>(offset) * size,
            call.in<std::byte>(2) + static_cast<std::size_t>(i) * size, 1);
  }
}

void run_nd(const Args& args, const Call& call) {
  if (call.slice.part != 0) return;
  std::byte* out = call.out<std::byte>();
  if (out != call.in<std::byte>()) std::memcpy(out, call.in<std::byte>(), args.bytes);
  const std::size_t size = size_of(args.type);
  const auto width = static_cast<std::int64_t>(args.dims.size());
  for (std::int64_t i = 0; i < args.count; i++) {
    std::int64_t offset = 0;
    for (std::int64_t k = 0; k < width; k++) {
      const auto axis = static_cast<std::size_t>(k);
      std::int64_t index = index_at(call, args.index_type, i * width + k);
      if (index < -args.dims[axis] || index >= args.dims[axis]) return call.failure.set(kOutOfRange);
      if (index < 0) index += args.dims[axis];
      offset += index * args.strides[axis];
    }
    combine(args.reduction, args.type, out + static_cast<std::size_t>(offset) * size,
            call.in<std::byte>(2) + static_cast<std::size_t>(i * args.inner) * size, args.inner);
  }
}

Result<void> infer_elements(InferContext& context) {
  const Shape &data = context.shape(0), &indices = context.shape(1);
  ADZE_TRY(const int axis, axis_attribute(context.node, 0, data.rank()));
  bool fits = data.rank() == indices.rank() && indices == context.shape(2);
  for (int i = 0; i < data.rank() && fits; i++) fits = i == axis || indices[i] <= data[i];
  if (!fits) return make_error(Code::invalid_model, "indices ", to_string(indices), " don't fit ", to_string(data));
  return infer_same_shape(context);
}

Result<void> infer_nd(InferContext& context) {
  const Shape &data = context.shape(0), &indices = context.shape(1), &updates = context.shape(2);
  bool fits = data.rank() >= 1 && indices.rank() >= 1 && indices.back() <= data.rank();
  if (fits) {
    Shape want;
    for (int i = 0; i < indices.rank() - 1; i++) want.push_back(indices[i]);
    for (int i = static_cast<int>(indices.back()); i < data.rank() && want.rank() < kMaxRank; i++)
      want.push_back(data[i]);
    fits = want == updates;
  }
  if (!fits) {
    return make_error(Code::invalid_model, "indices ", to_string(indices), " and updates ", to_string(updates),
                      " don't fit ", to_string(data));
  }
  return infer_same_shape(context);
}

Args args_of(const PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  Args args{};
  args.reduction = *reduction_of(context.node);
  args.type = context.in(0).type;
  args.index_type = context.in(1).type;
  args.bytes = context.in(0).bytes();
  args.indices = context.in(1).shape;
  args.strides = data.strides();
  return args;
}

Result<Step> prepare_elements(PrepareContext& context) {
  Args args = args_of(context);
  ADZE_TRY(args.axis, axis_attribute(context.node, 0, context.in(0).shape.rank()));
  args.axis_size = context.in(0).shape[args.axis];
  Step step = make_step<run_elements>(std::move(args), "scatter_elements");
  step.in_place = 1;
  return step;
}

Result<Step> prepare_nd(PrepareContext& context) {
  Args args = args_of(context);
  const Shape& data = context.in(0).shape;
  const auto width = static_cast<int>(args.indices.back());
  for (int axis = 0; axis < width; axis++) args.dims.push_back(data[axis]);
  args.count = args.indices.elements(0, args.indices.rank() - 1);
  args.inner = data.elements(width, data.rank());
  Step step = make_step<run_nd>(std::move(args), "scatter_nd");
  step.in_place = 1;
  return step;
}

// ---- TensorScatter --------------------------------------------------------------------------------------------------

struct CacheArgs {
  std::size_t cache_bytes, row_bytes;
  std::int64_t batch, inner_prefix;  // prefixes: batch x inner_prefix
  std::int64_t most, length;         // of the cache and of the update along the axis
  bool circular, has_indices;
};

void run_cache(const CacheArgs& args, const Call& call) {
  if (call.slice.part != 0) return;
  std::byte* out = call.out<std::byte>();
  if (out != call.in<std::byte>()) std::memcpy(out, call.in<std::byte>(), args.cache_bytes);
  for (std::int64_t prefix = 0; prefix < args.batch * args.inner_prefix; prefix++) {
    const std::int64_t first = args.has_indices ? call.in<std::int64_t>(2)[prefix / args.inner_prefix] : 0;
    if (first < 0 || (!args.circular && first + args.length > args.most)) return call.failure.set(kOutOfRange);
    for (std::int64_t i = 0; i < args.length; i++) {
      const std::int64_t to = args.circular ? (first % args.most + i) % args.most : first + i;
      std::memcpy(out + static_cast<std::size_t>(prefix * args.most + to) * args.row_bytes,
                  call.in<std::byte>(1) + static_cast<std::size_t>(prefix * args.length + i) * args.row_bytes,
                  args.row_bytes);
    }
  }
}

Result<void> infer_cache(InferContext& context) {
  const Shape &cache = context.shape(0), &update = context.shape(1);
  ADZE_TRY(const int axis, axis_attribute(context.node, -2, cache.rank()));
  bool fits = axis > 0 && update.rank() == cache.rank() && update[axis] <= cache[axis];
  for (int i = 0; i < cache.rank() && fits; i++) fits = i == axis || update[i] == cache[i];
  if (fits && context.has(2)) fits = context.shape(2) == Shape{cache[0]};
  if (!fits) return make_error(Code::invalid_model, "update ", to_string(update), " doesn't fit ", to_string(cache));
  return infer_same_shape(context);
}

Result<Step> prepare_cache(PrepareContext& context) {
  const Shape &cache = context.in(0).shape, &update = context.in(1).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, -2, cache.rank()));
  Step step = make_step<run_cache>(
      CacheArgs{context.in(0).bytes(),
                static_cast<std::size_t>(cache.elements(axis + 1, cache.rank())) * size_of(context.in(0).type),
                cache[0], cache.elements(1, axis), cache[axis], update[axis],
                context.node.attributes.string("mode", "linear") == "circular", context.has(2)},
      "tensor_scatter");
  step.in_place = 1;
  return step;
}

Result<void> check_mode(const Node& node) {
  const std::string mode = node.attributes.string("mode", "linear");
  if (mode == "linear" || mode == "circular") return {};
  return make_error(Code::invalid_model, "attribute \"mode\" is \"", mode, '"');
}

constexpr int kScatter[] = {9}, kElements[] = {11, 13, 16, 18}, kCache[] = {24};
constexpr AttrSpec kElementAttributes[] = {{"axis", AttrKind::integer}, {"reduction", AttrKind::string}};
constexpr AttrSpec kNdAttributes[] = {{"reduction", AttrKind::string}};
constexpr AttrSpec kCacheAttributes[] = {{"axis", AttrKind::integer}, {"mode", AttrKind::string}};
constexpr TypeMask kTypes[] = {kAnyType, kIndices, kAnyType}, kNdTypes[] = {kAnyType, types(DType::i64), kAnyType};
constexpr TypeMask kCacheTypes[] = {kStored, kStored, types(DType::i64)};

constexpr OpDef elements(std::string_view name, std::span<const int> versions, int removed) {
  return {.name = name,
          .versions = versions,
          .removed = removed,
          .attributes = kElementAttributes,
          .inputs = {3, 3},
          .input_types = kTypes,
          .check = check,
          .infer = infer_elements,
          .prepare = prepare_elements,
          .lanes = lanes_but_axis<0, 3>};
}
constexpr OpDef kOps[] = {elements("Scatter", kScatter, 0),
                          elements("ScatterElements", kElements, 0),
                          {.name = "ScatterND",
                           .versions = kElements,
                           .attributes = kNdAttributes,
                           .inputs = {3, 3},
                           .input_types = kNdTypes,
                           .check = check,
                           .infer = infer_nd,
                           .prepare = prepare_nd},
                          {.name = "TensorScatter",
                           .versions = kCache,
                           .attributes = kCacheAttributes,
                           .inputs = {2, 3},
                           .input_types = kCacheTypes,
                           .check = check_mode,
                           .infer = infer_cache,
                           .prepare = prepare_cache,
                           .lanes = lanes_by_row<0, 1, 2>}};

}  // namespace
extern const std::span<const OpDef> ops_scatter;
constinit const std::span<const OpDef> ops_scatter{kOps};

}  // namespace adze
