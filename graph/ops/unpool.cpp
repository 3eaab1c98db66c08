// Col2Im and MaxUnpool: windows written back to the image they were read from; the first adds where windows overlap,
// the second writes each value at the index that MaxPool gave.
#include <cstring>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/window.h"

namespace adze {
namespace {

// ---- Col2Im ---------------------------------------------------------------------------------------------------------

struct Blocks {
  std::int64_t n, c, taps, positions;
  std::vector<std::int64_t> image, kernel, stride, dilation, pad, count;  // count: positions per axis
};

Result<Blocks> blocks_of(const InferContext& context) {
  ADZE_TRY(auto image, context.ints(1));
  ADZE_TRY(auto kernel, context.ints(2));
  const Shape& data = context.shape(0);
  const auto axes = image.size();
  if (axes < 1 || axes > kSpatial || kernel.size() != axes || data.rank() != 3) {
    return make_error(Code::invalid_model, "data, image_shape and block_shape don't fit each other");
  }
  for (std::size_t i = 0; i < axes; i++) {
    if (kernel[i] < 1 || kernel[i] > kMaxWindow || image[i] < 1 || image[i] > kMaxWindow) {
      return make_error(Code::invalid_model, "image_shape or block_shape is out of range");
    }
  }
  ADZE_TRY(Window window, read_window(context.node, static_cast<int>(axes), kernel));
  ADZE_TRY(auto count, slide(context.node, window, image, false));
  Blocks b{data[0], 0, 1, 1, image, kernel, window.stride, window.dilation, window.pad_begin, count};
  for (const std::int64_t k : kernel) b.taps *= k;
  for (const std::int64_t n : count) b.positions *= n;
  if (b.taps > data[1] || data[1] % b.taps || b.positions != data[2]) {
    return make_error(Code::invalid_model, "the data ", to_string(data), " doesn't fit the blocks");
  }
  b.c = data[1] / b.taps;
  return b;
}

Result<void> infer_col2im(InferContext& context) {
  ADZE_TRY(const Blocks b, blocks_of(context));
  Shape shape = {b.n, b.c};
  for (const std::int64_t size : b.image) shape.push_back(size);
  context.set_shape(0, shape);
  return {};
}

struct Col2ImArgs {
  Blocks b;
  DType type;
};

void run_col2im(const Col2ImArgs& args, const Call& call) {
  const Blocks& b = args.b;
  std::int64_t plane = 1;
  for (const std::int64_t size : b.image) plane *= size;
  const Range planes = call.slice.of(b.n * b.c);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = std::conditional_t<std::is_same_v<T, bool>, int, Compute<T>>;
    for (std::int64_t p = planes.begin; p < planes.end; p++) {
      T* dst = call.out<T>() + p * plane;
      std::fill_n(dst, plane, T{});
      for (std::int64_t t = 0; t < b.taps; t++) {
        for (std::int64_t i = 0; i < b.positions; i++) {
          std::int64_t tap = t, position = i, at = 0, stride = 1;
          bool inside = true;
          for (std::size_t axis = b.image.size(); axis-- > 0;) {
            const std::int64_t x =
                position % b.count[axis] * b.stride[axis] + tap % b.kernel[axis] * b.dilation[axis] - b.pad[axis];
            inside = inside && x >= 0 && x < b.image[axis];
            at += x * stride;
            stride *= b.image[axis];
            position /= b.count[axis];
            tap /= b.kernel[axis];
          }
          if (!inside) continue;
          const C sum = static_cast<C>(dst[at]) + static_cast<C>(call.in<T>()[(p * b.taps + t) * b.positions + i]);
          dst[at] = static_cast<T>(sum);
        }
      }
    }
  });
}

Result<Step> prepare_col2im(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(Blocks b, blocks_of(again));
  const std::int64_t planes = b.n * b.c;
  Step step = make_step<run_col2im>(Col2ImArgs{std::move(b), context.in(0).type}, "col2im");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(planes, 1, 256));
  step.unread = 0b110;
  return step;
}

// ---- MaxUnpool ------------------------------------------------------------------------------------------------------

// The image that MaxPool read, whose elements the indices count; output_shape may ask for more room behind it.
Result<Shape> pooled_from(const Node& node, const Shape& data) {
  ADZE_TRY(Image image, Image::of(data, false));
  if (!node.attributes.has("kernel_shape"))
    return make_error(Code::invalid_model, "attribute \"kernel_shape\" is missing");
  ADZE_TRY(const Window window, read_window(node, image.axes(), {}));
  for (std::size_t axis = 0; axis < image.spatial.size(); axis++) {
    std::int64_t& size = image.spatial[axis];
    size = (size - 1) * window.stride[axis] - window.pad_begin[axis] - window.pad_end[axis] + window.kernel[axis];
    if (size < 1) return make_error(Code::invalid_model, "the pads exceed the image");
  }
  return image.shape(false);
}

Result<void> infer_unpool(InferContext& context) {
  if (context.shape(0) != context.shape(1)) return make_error(Code::invalid_model, "data and indices differ in shape");
  ADZE_TRY(Shape shape, pooled_from(context.node, context.shape(0)));
  if (context.has(2)) {
    ADZE_TRY(const auto sizes, context.ints(2));
    bool fits = sizes.size() == static_cast<std::size_t>(shape.rank());
    for (int axis = 0; axis < shape.rank() && fits; axis++) {
      const std::int64_t size = sizes[static_cast<std::size_t>(axis)];
      fits = axis < 2 ? size == shape[axis] : size >= shape[axis];
      shape[axis] = size;
    }
    if (!fits) return make_error(Code::invalid_model, "output_shape doesn't fit the data");
  }
  context.set_shape(0, shape);
  return {};
}

struct UnpoolArgs {
  DType type;
  std::int64_t elements;
  Shape pooled, out;
};

void run_unpool(const UnpoolArgs& args, const Call& call) {
  if (call.slice.part != 0) return;
  const std::int64_t most = args.pooled.elements();
  const auto strides = args.out.strides();
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::fill_n(call.out<T>(), args.out.elements(), T{});
    for (std::int64_t i = 0; i < args.elements; i++) {
      std::int64_t rest = call.in<std::int64_t>(1)[i], at = 0;
      if (rest < 0 || rest >= most) return call.failure.set("an index is out of range");
      for (int axis = args.pooled.rank() - 1; axis >= 0; axis--) {
        at += rest % args.pooled[axis] * strides[static_cast<std::size_t>(axis)];
        rest /= args.pooled[axis];
      }
      call.out<T>()[at] = call.in<T>()[i];
    }
  });
}

Result<Step> prepare_unpool(PrepareContext& context) {
  ADZE_TRY(const Shape pooled, pooled_from(context.node, context.in(0).shape));
  Step step = make_step<run_unpool>(
      UnpoolArgs{context.in(0).type, context.in(0).elements(), pooled, context.out().shape}, "max_unpool");
  step.unread = 0b100;
  return step;
}

constexpr int kCol2Im[] = {18}, kUnpool[] = {9, 11, 22};
constexpr TypeMask kCol2ImTypes[] = {kAnyType, types(DType::i64)};
constexpr TypeMask kUnpoolTypes[] = {kFloats, types(DType::i64), types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "Col2Im",
                           .versions = kCol2Im,
                           .attributes = kWindowAttributes,
                           .inputs = {3, 3},
                           .input_types = kCol2ImTypes,
                           .infer = infer_col2im,
                           .prepare = prepare_col2im,
                           .lanes = lanes_by_row<0>},
                          {.name = "MaxUnpool",
                           .versions = kUnpool,
                           .attributes = kWindowAttributes,
                           .inputs = {2, 3},
                           .input_types = kUnpoolTypes,
                           .infer = infer_unpool,
                           .prepare = prepare_unpool,
                           .note = kImageNote}};

}  // namespace
extern const std::span<const OpDef> ops_unpool;
constinit const std::span<const OpDef> ops_unpool{kOps};

}  // namespace adze
