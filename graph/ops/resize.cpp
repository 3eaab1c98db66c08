// Resize and Upsample: every axis is sampled on its own (graph/resample.h). The result is made row by row along the
// last axis that changes: the source rows that an output row needs are blended into one, then its pixels. Any order of
// axes serves, since the attribute "axes" says to which axis a scale belongs.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/resample.h"

namespace adze {
namespace {

bool is_upsample(const Node& node) { return node.op->name == "Upsample"; }
bool only_scales(const Node& node) { return is_upsample(node) || node.version < 11; }

// ---- attributes and inputs ------------------------------------------------------------------------------------------

Result<Sampling> sampling_of(const Node& node) {
  const Attributes& a = node.attributes;
  Sampling s;
  ADZE_TRY(s.mode, parse_resize_mode(a.string("mode", "nearest")));
  if (only_scales(node)) {
    s.coordinates = Coordinates::asymmetric;
    s.nearest = NearestMode::by_direction;
    return s;
  }
  ADZE_TRY(s.coordinates, parse_coordinates(a.string("coordinate_transformation_mode", "half_pixel")));
  ADZE_TRY(s.nearest, parse_nearest_mode(a.string("nearest_mode", "round_prefer_floor")));
  s.cubic_coeff_a = static_cast<double>(a.real("cubic_coeff_a", -0.75f));
  s.exclude_outside = a.integer("exclude_outside", 0) != 0;
  s.antialias = a.integer("antialias", 0) != 0;
  return s;
}

Result<void> check(const Node& node) {
  ADZE_TRY([[maybe_unused]] const Sampling sampling, sampling_of(node));
  const std::string policy = node.attributes.string("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller") {
    return make_error(Code::invalid_model, "attribute \"keep_aspect_ratio_policy\" is \"", policy, '"');
  }
  return {};
}

Result<std::vector<double>> reals_input(const InferContext& context, int i) {
  if (!context.has(i)) return std::vector<double>();
  const TensorInfo& info = context.in(i);
  if (info.elements() == 0) return std::vector<double>();
  ADZE_TRY(const Tensor* const tensor, context.known(i));
  std::vector<double> values;
  dispatch(info.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T value : tensor->as<T>()) values.push_back(static_cast<double>(static_cast<Compute<T>>(value)));
  });
  return values;
}

Result<std::vector<std::int64_t>> sizes_input(const InferContext& context) {
  if (only_scales(context.node) || !context.has(3) || context.in(3).elements() == 0) {
    return std::vector<std::int64_t>();
  }
  return context.ints(3);
}

Result<std::vector<double>> scales_of(const InferContext& context) {
  if (!is_upsample(context.node)) return reals_input(context, only_scales(context.node) ? 1 : 2);
  if (context.node.version >= 9) return reals_input(context, 1);
  const auto scales = context.node.attributes.reals("scales");
  return std::vector<double>(scales.begin(), scales.end());
}

Result<std::vector<int>> axes_of(const Node& node, int rank) {
  std::vector<std::int64_t> axes = node.attributes.integers("axes");
  for (int axis = 0; axis < rank && !node.attributes.has("axes"); axis++) axes.push_back(axis);
  ADZE_TRY([[maybe_unused]] const auto set, axis_set(axes, rank));
  std::vector<int> result;
  for (const std::int64_t axis : axes) result.push_back(*normalise_axis(axis, rank));
  return result;
}

Result<void> check_count(std::string_view what, std::size_t count, std::size_t axes) {
  if (count == axes) return {};
  return make_error(Code::invalid_model, what, " has ", count, " entries for ", axes, " axes");
}

// A size is given for each of `axes`; its scale follows, the same for all when the aspect ratio is to be kept.
Result<void> apply_sizes(const Node& node, const std::vector<std::int64_t>& sizes, const std::vector<int>& axes,
                         std::vector<ResizedAxis>& result) {
  const std::string policy = node.attributes.string("keep_aspect_ratio_policy", "stretch");
  double least = std::numeric_limits<double>::infinity(), most = 0;
  for (std::size_t i = 0; i < axes.size(); i++) {
    ResizedAxis& axis = result[static_cast<std::size_t>(axes[i])];
    if (sizes[i] < 0) return make_error(Code::invalid_model, "size ", sizes[i], " is negative");
    axis.out = sizes[i];
    axis.scale = axis.in ? static_cast<double>(axis.out) / static_cast<double>(axis.in) : 1;
    least = std::min(least, axis.scale);
    most = std::max(most, axis.scale);
  }
  if (policy == "stretch") return {};
  const double scale = policy == "not_larger" ? least : most;
  for (const int i : axes) {
    ResizedAxis& axis = result[static_cast<std::size_t>(i)];
    const double out = std::floor(scale * static_cast<double>(axis.in) + 0.5);
    if (!(out < 0x1p62)) return make_error(Code::invalid_model, "size ", out, " is too large");
    axis.out = static_cast<std::int64_t>(out);
    axis.scale = scale;
  }
  return {};
}

Result<void> apply_scales(const std::vector<double>& scales, const std::vector<int>& axes,
                          std::vector<ResizedAxis>& result) {
  for (std::size_t i = 0; i < axes.size(); i++) {
    ResizedAxis& axis = result[static_cast<std::size_t>(axes[i])];
    if (!(scales[i] > 0) || !std::isfinite(scales[i])) return make_error(Code::invalid_model, "scale ", scales[i]);
    // In float, as exporters and other engines compute it: 0.6f * 5 is 3 there, but less than 3 in double.
    const float out = std::floor(static_cast<float>(axis.in) * static_cast<float>(scales[i]));
    if (!(out < 0x1p62f)) return make_error(Code::invalid_model, "scale ", scales[i], " is too large");
    axis.out = static_cast<std::int64_t>(out);
    axis.scale = scales[i];
  }
  return {};
}

// What becomes of each axis of the data.
Result<std::vector<ResizedAxis>> resized_axes(const InferContext& context) {
  const Shape& data = context.shape(0);
  ADZE_TRY(const auto axes, axes_of(context.node, data.rank()));
  ADZE_TRY(const auto sizes, sizes_input(context));
  std::vector<ResizedAxis> result;
  for (const std::int64_t dim : data) result.push_back({dim, dim});
  if (!sizes.empty()) {
    if (context.has(2) && context.in(2).elements() != 0) {
      return make_error(Code::invalid_model, "both scales and sizes are given");
    }
    ADZE_CHECK(check_count("sizes", sizes.size(), axes.size()));
    ADZE_CHECK(apply_sizes(context.node, sizes, axes, result));
  } else {
    ADZE_TRY(const auto scales, scales_of(context));
    ADZE_CHECK(check_count("scales", scales.size(), axes.size()));
    ADZE_CHECK(apply_scales(scales, axes, result));
  }
  if (context.node.attributes.string("coordinate_transformation_mode", "") == "tf_crop_and_resize") {
    ADZE_TRY(const auto roi, reals_input(context, 1));
    ADZE_CHECK(check_count("roi", roi.size(), 2 * axes.size()));
    for (std::size_t i = 0; i < axes.size(); i++) {
      result[static_cast<std::size_t>(axes[i])].roi_begin = roi[i];
      result[static_cast<std::size_t>(axes[i])].roi_end = roi[axes.size() + i];
    }
  }
  return result;
}

Result<void> infer(InferContext& context) {
  if (context.shape(0).rank() == 0) return make_error(Code::invalid_model, "the data is a scalar");
  ADZE_TRY(const auto axes, resized_axes(context));
  Shape shape;
  for (const ResizedAxis& axis : axes) {
    if (axis.in == 0 && axis.out != 0) return make_error(Code::invalid_model, "an empty axis can't be resized");
    shape.push_back(axis.out);
  }
  if (context.in(0).type == DType::boolean && context.node.attributes.string("mode", "nearest") != "nearest") {
    return make_error(Code::unsupported, "bool can't be interpolated");
  }
  context.set_shape(0, shape);
  return {};
}

// Axes that stay as they are, with their sizes where these are given.
Result<Lanes> lanes_of(const InferContext& context) {
  ADZE_TRY(const auto resized, resized_axes(context));
  ADZE_TRY(const auto axes, axes_of(context.node, context.shape(0).rank()));
  if (context.node.attributes.string("coordinate_transformation_mode", "") == "tf_crop_and_resize") {
    return make_error(Code::bad_input, "it crops along all axes");
  }
  std::vector<bool> mixed;
  for (const ResizedAxis& axis : resized) mixed.push_back(axis.out != axis.in || axis.scale != 1);
  Lanes lanes = lanes_except(context, mixed);
  ADZE_TRY(auto sizes, sizes_input(context));
  if (!sizes.empty()) lanes.sizes.push_back({3, axes, std::move(sizes)});
  return lanes;
}

// ---- rows -----------------------------------------------------------------------------------------------------------

// An axis outside the rows.
struct OuterAxis {
  AxisTaps taps;
  std::int64_t out, src_stride;
};

struct Args {
  BlendRowsFn blend;
  ResizeRowFn resize_row;
  DType type;
  std::vector<OuterAxis> outer;  // innermost last
  AxisTaps along;
  std::vector<float> along_weights;
  std::int64_t rows;                       // of the result
  std::int64_t src_pixels, pixels, inner;  // of a row: positions before and after, elements of each
  std::int64_t max_blended;                // source rows that make one
  bool all_identity;
  double extrapolation;
};

// The source rows of output row `row`, with weights; 0 where the extrapolation value belongs.
template <class T, class Weight>
std::int64_t source_rows(const Args& args, std::int64_t row, const T* src, const T** rows, Weight* weights) {
  rows[0] = src;
  weights[0] = 1;
  std::int64_t count = 1;
  for (std::size_t a = args.outer.size(); a-- > 0;) {
    const OuterAxis& axis = args.outer[a];
    const ResizeTap& tap = axis.taps.taps[static_cast<std::size_t>(row % axis.out)];
    row /= axis.out;
    if (tap.count == 0) return 0;
    const double* tap_weights = axis.taps.weights.data() + tap.weight;
    for (std::int64_t i = count; i-- > 0;) {  // backwards, so that the product unfolds in place
      const T* base = rows[i] + tap.first * axis.src_stride;
      const Weight weight = weights[i];
      for (std::int64_t t = tap.count; t-- > 0;) {
        rows[i * tap.count + t] = base + t * axis.src_stride;
        weights[i * tap.count + t] = weight * static_cast<Weight>(tap_weights[t]);
      }
    }
    count *= tap.count;
  }
  return count;
}

template <class T, class Weight>
struct Scratch {
  const T** rows;
  Weight* weights;
  Weight* blended;

  Scratch(const Args& args, std::byte* bytes) {
    rows = reinterpret_cast<const T**>(bytes);
    weights = reinterpret_cast<Weight*>(rows + args.max_blended);
    blended = weights + args.max_blended;
  }
};
std::size_t scratch_bytes(const Args& args) {
  return static_cast<std::size_t>(args.max_blended) * (sizeof(void*) + sizeof(double)) +
         static_cast<std::size_t>(args.src_pixels * args.inner) * sizeof(double);
}

constexpr std::int64_t kRowsBetweenPolls = 16;

template <class F>
void for_rows(const Args& args, const Call& call, F f) {
  const Range range = call.slice.of(args.rows);
  for (std::int64_t row = range.begin; row < range.end; row++) {
    if (row % kRowsBetweenPolls == 0 && call.cancel.requested()) return;
    f(row);
  }
}

// A row without a source.
template <class T>
void fill_row(const Args& args, T* dst, std::int64_t pitch, T value) {
  for (std::int64_t x = 0; x < args.pixels; x++) std::fill_n(dst + x * pitch, args.inner, value);
}

void run_f32(const Args& args, const Call& call) {
  const Scratch<float, float> scratch(args, call.scratch);
  const std::int64_t n = args.pixels * args.inner, pitch = call.out_pitch(args.inner);
  const auto fill = static_cast<float>(args.extrapolation);
  for_rows(args, call, [&](std::int64_t row) {
    float* dst = call.out() + row * args.pixels * pitch;
    const std::int64_t count = source_rows(args, row, call.in(), scratch.rows, scratch.weights);
    if (count == 0) {
      fill_row(args, dst, pitch, fill);
      return;
    }
    const bool as_is = count == 1 && scratch.weights[0] == 1;
    if (args.along.identity) {
      args.blend(scratch.rows, scratch.weights, count, dst, n);
      return;
    }
    if (!as_is) args.blend(scratch.rows, scratch.weights, count, scratch.blended, args.src_pixels * args.inner);
    args.resize_row(args.along.taps.data(), args.along_weights.data(), fill, as_is ? scratch.rows[0] : scratch.blended,
                    dst, pitch, args.pixels, args.inner);
  });
}

// Rounded to nearest, ties to even, and to the nearest value that T has.
template <class T>
T round_to(double x) {
  if constexpr (std::is_integral_v<T>) {
    const double r = std::nearbyint(x);
    if (!(r > static_cast<double>(std::numeric_limits<T>::lowest()))) return std::numeric_limits<T>::lowest();
    if (r >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(r);
  } else {
    return static_cast<T>(static_cast<Compute<T>>(x));
  }
}

template <class T>
void run_plain_as(const Args& args, const Call& call) {
  const Scratch<T, double> scratch(args, call.scratch);
  const std::int64_t n = args.pixels * args.inner;
  for_rows(args, call, [&](std::int64_t row) {
    T* dst = call.out<T>() + row * n;
    const std::int64_t count = source_rows(args, row, call.in<T>(), scratch.rows, scratch.weights);
    for (std::int64_t i = 0; count > 0 && i < args.src_pixels * args.inner; i++) {
      double acc = 0;
      for (std::int64_t t = 0; t < count; t++) {
        acc += scratch.weights[t] * static_cast<double>(static_cast<Compute<T>>(scratch.rows[t][i]));
      }
      scratch.blended[i] = acc;
    }
    for (std::int64_t i = 0; i < n; i++) {
      const ResizeTap& tap = args.along.taps[static_cast<std::size_t>(i / args.inner)];
      double acc = count == 0 || tap.count == 0 ? args.extrapolation : 0;
      for (std::int64_t t = 0; count > 0 && t < tap.count; t++) {
        acc += args.along.weights[static_cast<std::size_t>(tap.weight + t)] *
               scratch.blended[(tap.first + t) * args.inner + i % args.inner];
      }
      dst[i] = round_to<T>(acc);
    }
  });
}

void run_plain(const Args& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) run_plain_as<T>(args, call);
  });
}

// Elements of that size are moved; their type matters to the extrapolation value alone.
template <class Element>
void run_nearest_as(const Args& args, const Call& call, Element fill) {
  const Scratch<Element, double> scratch(args, call.scratch);
  const std::int64_t pitch = call.out_pitch(args.inner);
  for_rows(args, call, [&](std::int64_t row) {
    Element* dst = call.out<Element>() + row * args.pixels * pitch;
    const std::int64_t count = source_rows(args, row, call.in<Element>(), scratch.rows, scratch.weights);
    const Element* src = scratch.rows[0];
    if (count == 0) {
      fill_row(args, dst, pitch, fill);
    } else if (args.along.identity) {
      std::copy_n(src, args.pixels * args.inner, dst);
    } else {
      for (const ResizeTap& tap : args.along.taps) {
        if (tap.count == 0) {
          std::fill_n(dst, args.inner, fill);
        } else if (args.inner == 1) {
          *dst = src[tap.first];
        } else {
          std::copy_n(src + tap.first * args.inner, args.inner, dst);
        }
        dst += pitch;
      }
    }
  });
}

void run_nearest(const Args& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T fill = round_to<T>(args.extrapolation);
    if constexpr (sizeof(T) == 1) return run_nearest_as<std::uint8_t>(args, call, std::bit_cast<std::uint8_t>(fill));
    if constexpr (sizeof(T) == 2) return run_nearest_as<std::uint16_t>(args, call, std::bit_cast<std::uint16_t>(fill));
    if constexpr (sizeof(T) == 4) return run_nearest_as<std::uint32_t>(args, call, std::bit_cast<std::uint32_t>(fill));
    if constexpr (sizeof(T) == 8) return run_nearest_as<std::uint64_t>(args, call, std::bit_cast<std::uint64_t>(fill));
  });
}

// ---- preparation ----------------------------------------------------------------------------------------------------

Args rows_of(const Sampling& sampling, const std::vector<ResizedAxis>& axes, const Shape& src, const Shape& dst) {
  Args args{};
  std::vector<AxisTaps> taps;
  std::size_t along = 0;
  for (std::size_t a = 0; a < axes.size(); a++) {
    taps.push_back(sample_axis(sampling, axes[a]));
    if (!taps[a].identity) along = a;
  }
  args.all_identity = taps[along].identity;
  const auto strides = src.strides();
  args.max_blended = 1;
  for (std::size_t a = 0; a < along; a++) {
    args.max_blended *= taps[a].max_count();
    args.outer.push_back({std::move(taps[a]), axes[a].out, strides[a]});
  }
  args.along = std::move(taps[along]);
  args.along_weights.assign(args.along.weights.begin(), args.along.weights.end());
  args.rows = dst.elements(0, static_cast<int>(along));
  args.src_pixels = axes[along].in;
  args.pixels = axes[along].out;
  args.inner = src.elements(static_cast<int>(along) + 1, src.rank());
  return args;
}

Result<Step> prepare(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const auto axes, resized_axes(again));
  ADZE_TRY(const Sampling sampling, sampling_of(context.node));
  const Shape& dst = context.out().shape;
  // An empty result has nothing to sample, however long its other axes are.
  Args args = dst.elements() == 0 ? Args{} : rows_of(sampling, axes, context.in(0).shape, dst);
  if (args.all_identity) return view_step();
  const auto& blend = blend_rows_f32.best(context.isa);
  args.blend = blend.fn;
  args.resize_row = resize_row_f32.best(context.isa).fn;
  args.type = context.in(0).type;
  args.extrapolation = static_cast<double>(context.node.attributes.real("extrapolation_value", 0));
  const std::int64_t rows = args.rows, taps = args.max_blended + args.along.max_count();
  const std::size_t scratch = scratch_bytes(args);
  const bool by_pixel = !args.along.identity && args.inner == dst.back();
  Step step = sampling.mode == ResizeMode::nearest ? make_step<run_nearest>(std::move(args), "resize_nearest")
              : args.type == DType::f32
                  ? make_step<run_f32>(std::move(args), concat("resize_row_f32/", isa_name(blend.isa)))
                  : make_step<run_plain>(std::move(args), "resize_plain");
  step.scratch_bytes = scratch;
  step.pitched_output = by_pixel && (sampling.mode == ResizeMode::nearest || context.in(0).type == DType::f32);
  step.unread = ~1u;
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(std::min(rows, dst.elements() / 4096), 1, 256));
  step.flops = 2.0 * static_cast<double>(dst.elements()) * static_cast<double>(taps);
  return step;
}

// "axes" names the scales' axes, whichever version the node has: the order of scales, sizes and roi stays.
bool permute(Node& node, std::span<const int> perm) {
  const auto axes = axes_of(node, static_cast<int>(perm.size()));
  if (!axes) return false;
  std::vector<std::int64_t> moved;
  for (const int axis : *axes) {
    moved.push_back(std::ranges::find(perm, axis) - perm.begin());
  }
  node.attributes.set("axes", std::move(moved));
  return true;
}

constexpr int kResize[] = {10, 11, 13, 18, 19}, kUpsample[] = {7, 9};
constexpr AttrSpec kResizeAttributes[] = {{"mode", AttrKind::string},
                                          {"coordinate_transformation_mode", AttrKind::string},
                                          {"nearest_mode", AttrKind::string},
                                          {"cubic_coeff_a", AttrKind::real},
                                          {"exclude_outside", AttrKind::integer},
                                          {"extrapolation_value", AttrKind::real},
                                          {"antialias", AttrKind::integer},
                                          {"axes", AttrKind::integers},
                                          {"keep_aspect_ratio_policy", AttrKind::string}};
constexpr AttrSpec kUpsampleAttributes[] = {{"mode", AttrKind::string}, {"scales", AttrKind::reals}};
constexpr TypeMask kTypes[] = {kAnyType, kFloats, types(DType::f32), types(DType::i64)};

constexpr OpDef op(std::string_view name, std::span<const int> versions, std::span<const AttrSpec> attributes,
                   Arity inputs) {
  return {.name = name,
          .versions = versions,
          .attributes = attributes,
          .inputs = inputs,
          .input_types = kTypes,
          .check = check,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_of,
          .layout = LayoutRule::transparent,
          .permute = permute,
          .accumulates = [](const Node& node) { return node.attributes.string("mode", "nearest") != "nearest"; },
          .note = "bool by nearest neighbour only"};
}
constexpr OpDef kOps[] = {op("Resize", kResize, kResizeAttributes, {1, 4}),
                          op("Upsample", kUpsample, kUpsampleAttributes, {1, 2})};

}  // namespace
extern const std::span<const OpDef> ops_resize;
constinit const std::span<const OpDef> ops_resize{kOps};

}  // namespace adze
