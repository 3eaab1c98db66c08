// Pad: constant, reflect, edge and wrap; negative pads crop. Pads were an attribute before version 11.
#include <algorithm>
#include <cstring>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr int kVersions[] = {1, 2, 11, 13, 18, 19, 21, 23, 24, 25};
constexpr AttrSpec kAttributes[] = {{"mode", AttrKind::string},
                                    {"pads", AttrKind::integers},
                                    {"paddings", AttrKind::integers},
                                    {"value", AttrKind::real}};
constexpr TypeMask kTypes[] = {kStored, types(DType::i64), kStored, kIndices};

enum class Mode { constant, reflect, edge, wrap };

Result<Mode> mode_of(const Node& node) {
  const std::string mode = node.attributes.string("mode", "constant");
  if (mode == "constant") return Mode::constant;
  if (mode == "reflect") return Mode::reflect;
  if (mode == "edge") return Mode::edge;
  if (mode == "wrap" && node.version >= 19) return Mode::wrap;
  return make_error(Code::invalid_model, "attribute \"mode\" is \"", mode, '"');
}

Result<void> check(const Node& node) {
  ADZE_TRY([[maybe_unused]] const Mode mode, mode_of(node));
  return {};
}

struct Pads {
  std::vector<std::int64_t> begin, end;  // by axis
};

Result<Pads> pads_of(const InferContext& context) {
  const int rank = context.shape(0).rank();
  const Node& node = context.node;
  std::vector<std::int64_t> given = node.attributes.integers(node.version == 1 ? "paddings" : "pads");
  if (node.version >= 11) {
    if (!context.has(1)) return make_error(Code::invalid_model, "pads are missing");
    ADZE_TRY(given, context.ints(1));
  }
  std::vector<std::int64_t> axes;
  for (int axis = 0; axis < rank; axis++) axes.push_back(axis);
  if (context.has(3)) {
    ADZE_TRY(axes, context.ints(3));
    ADZE_CHECK([&]() -> Result<void> {
      ADZE_TRY([[maybe_unused]] const auto set, axis_set(axes, rank));
      return {};
    }());
  }
  if (given.size() != 2 * axes.size()) {
    return make_error(Code::invalid_model, given.size(), " pads for ", axes.size(), " axes");
  }
  Pads pads{std::vector<std::int64_t>(static_cast<std::size_t>(rank)),
            std::vector<std::int64_t>(static_cast<std::size_t>(rank))};
  for (std::size_t i = 0; i < axes.size(); i++) {
    const auto axis = static_cast<std::size_t>(*normalise_axis(axes[i], rank));
    pads.begin[axis] = given[i];
    pads.end[axis] = given[axes.size() + i];
  }
  return pads;
}

// Negative pads crop first; the others extend what is left.
std::int64_t cropped_begin(const Pads& pads, int axis) {
  return std::max<std::int64_t>(-pads.begin[static_cast<std::size_t>(axis)], 0);
}
std::int64_t kept_of(const Pads& pads, int axis, std::int64_t size) {
  const auto a = static_cast<std::size_t>(axis);
  return size + std::clamp(pads.begin[a], -size - 1, std::int64_t{0}) +
         std::clamp(pads.end[a], -size - 1, std::int64_t{0});
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Pads pads, pads_of(context));
  ADZE_TRY(const Mode mode, mode_of(context.node));
  Shape shape = context.shape(0);
  for (int axis = 0; axis < shape.rank(); axis++) {
    const auto a = static_cast<std::size_t>(axis);
    std::int64_t size = 0;
    if (__builtin_add_overflow(shape[axis], pads.begin[a], &size) || __builtin_add_overflow(size, pads.end[a], &size)) {
      return make_error(Code::resource_limit, "the padded size of axis ", axis, " is too large");
    }
    if (kept_of(pads, axis, shape[axis]) < 0) {
      return make_error(Code::invalid_model, "axis ", axis, " of ", shape[axis], " elements can't lose that many");
    }
    if (mode != Mode::constant && kept_of(pads, axis, shape[axis]) == 0 && size > 0) {
      return make_error(Code::invalid_model, "axis ", axis, " is empty and can't be extended");
    }
    shape[axis] = size;
  }
  if (!shape.checked_elements())
    return make_error(Code::resource_limit, "the result ", to_string(shape), " is too large");
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  ADZE_TRY(const Pads pads, pads_of(context));
  std::vector<bool> mixed;
  for (std::size_t axis = 0; axis < pads.begin.size(); axis++) mixed.push_back(pads.begin[axis] || pads.end[axis]);
  return lanes_except(context, mixed);
}

struct Args {
  // Per axis and result position: the source position, or -1 for the constant.
  std::vector<std::vector<std::int64_t>> source;
  std::array<std::int64_t, kMaxRank> src_strides;
  Shape result;
  std::size_t element_size;
  bool has_value;
  std::array<std::byte, 8> value;  // of the attribute
};

template <class T>
void run_as(const Args& args, const Call& call) {
  T value;
  std::memcpy(&value, args.value.data(), sizeof value);
  if (args.has_value) value = *call.in<T>(2);
  const T* src = call.in<T>();
  const int rank = args.result.rank();
  if (rank == 0) {
    *call.out<T>() = *src;
    return;
  }
  const std::int64_t inner = args.result.back();
  const auto& columns = args.source.back();
  const Range rows = call.slice.of(args.result.elements(0, rank - 1));
  for (std::int64_t row = rows.begin; row < rows.end; row++) {
    std::int64_t rest = row, offset = 0;
    bool inside = true;
    for (int axis = rank - 2; axis >= 0; axis--) {
      const auto a = static_cast<std::size_t>(axis);
      const std::int64_t from = args.source[a][static_cast<std::size_t>(rest % args.result[axis])];
      inside &= from >= 0;
      offset += from * args.src_strides[a];
      rest /= args.result[axis];
    }
    T* dst = call.out<T>() + row * inner;
    for (std::int64_t i = 0; i < inner; i++) {
      const std::int64_t column = columns[static_cast<std::size_t>(i)];
      dst[i] = inside && column >= 0 ? src[offset + column] : value;
    }
  }
}

void run(const Args& args, const Call& call) {
  switch (args.element_size) {
    case 1:
      return run_as<std::uint8_t>(args, call);
    case 2:
      return run_as<std::uint16_t>(args, call);
    case 4:
      return run_as<std::uint32_t>(args, call);
    default:
      return run_as<std::uint64_t>(args, call);
  }
}

std::int64_t source_of(Mode mode, std::int64_t position, std::int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case Mode::constant:
      return -1;
    case Mode::edge:
      return std::clamp<std::int64_t>(position, 0, size - 1);
    case Mode::wrap:
      return (position % size + size) % size;
    case Mode::reflect:
      break;
  }
  if (size == 1) return 0;
  const std::int64_t period = 2 * (size - 1), at = (position % period + period) % period;
  return at < size ? at : period - at;
}

Result<Step> prepare(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const Pads pads, pads_of(again));
  ADZE_TRY(const Mode mode, mode_of(context.node));
  const Shape& data = context.in(0).shape;
  Args args{{}, data.strides(), context.out().shape, size_of(context.in(0).type), context.has(2), {}};
  for (int axis = 0; axis < data.rank(); axis++) {
    const std::int64_t kept = kept_of(pads, axis, data[axis]), cropped = cropped_begin(pads, axis);
    const std::int64_t begin = pads.begin[static_cast<std::size_t>(axis)] + cropped;
    std::vector<std::int64_t> source;
    for (std::int64_t i = 0; i < args.result[axis]; i++) {
      const std::int64_t from = source_of(mode, i - begin, kept);
      source.push_back(from < 0 ? from : from + cropped);
    }
    args.source.push_back(std::move(source));
  }
  if (context.node.attributes.has("value") && (mask_of(context.in(0).type) & kAnyType)) {
    dispatch(context.in(0).type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T value = static_cast<T>(context.node.attributes.real("value", 0));
      std::memcpy(args.value.data(), &value, sizeof value);
    });
  }
  Step step = make_step<run>(std::move(args), "pad");
  step.max_parts = elementwise_parts(context.out().elements());
  step.unread = 0b1010;
  return step;
}

constexpr OpDef kOps[] = {{.name = "Pad",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {1, 4},
                           .input_types = kTypes,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_of}};

}  // namespace
extern const std::span<const OpDef> ops_pad;
constinit const std::span<const OpDef> ops_pad{kOps};

}  // namespace adze
