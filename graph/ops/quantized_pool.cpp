// QLinearAveragePool, QLinearGlobalAveragePool: means of 8-bit images, summed exactly. Images lie as the attribute
// channels_last says; the layout pass has no part in it.
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/quantized.h"
#include "graph/window.h"
#include "kernels/pool/pool.h"

namespace adze {
namespace {

struct Args {
  ByteCodes x, y;
  ConvGeometry geometry;
  Spatial pad_end;
  bool count_include_pad, channels_last;
  Shape result;
};

Result<Args> args_of(const auto& context) {
  const Node& node = context.node;
  const bool channels_last = node.attributes.integer("channels_last", 0) != 0;
  Args args;
  ADZE_TRY(args.x, byte_codes(context, context.in(0).type, 1, 2));
  ADZE_TRY(args.y, byte_codes(context, context.in(0).type, 3, 4));
  ADZE_TRY(const Image src, Image::of(context.in(0).shape, channels_last));
  Image dst = src;
  Window window;
  if (node.op->name == "QLinearGlobalAveragePool") {
    const std::vector<std::int64_t> ones(src.spatial.size(), 1), zeros(src.spatial.size(), 0);
    window = {src.spatial, ones, ones, zeros, zeros};
    dst.spatial = ones;
  } else {
    if (!node.attributes.has("kernel_shape"))
      return make_error(Code::invalid_model, "attribute \"kernel_shape\" is missing");
    ADZE_TRY(window, read_window(node, src.axes(), {}));
    ADZE_TRY(dst.spatial, slide(node, window, src.spatial, node.attributes.integer("ceil_mode", 0) != 0));
    ADZE_CHECK(check_padding(window));
  }
  args.geometry = {src.n,
                   padded(src.spatial, 1),
                   padded(dst.spatial, 1),
                   padded(window.kernel, 1),
                   padded(window.stride, 1),
                   padded(window.dilation, 1),
                   padded(window.pad_begin, 0),
                   src.c,
                   src.c};
  args.pad_end = padded(window.pad_end, 0);
  args.count_include_pad = node.attributes.integer("count_include_pad", 0) != 0;
  args.result = dst.shape(channels_last);
  args.channels_last = channels_last;
  return args;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Args args, args_of(context));
  context.set_shape(0, args.result);
  return {};
}

float mean(const Args& args, const ByteScale& x, const std::uint8_t* channel, std::int64_t position) {
  const ConvGeometry& g = args.geometry;
  const std::int64_t pixel = args.channels_last ? g.ic : 1;
  const std::int64_t out[kSpatial] = {position / g.out[2] / g.out[1], position / g.out[2] % g.out[1],
                                      position % g.out[2]};
  Span1 s[kSpatial];
  for (std::size_t a = 0; a < kSpatial; a++) {
    s[a] = window_span(out[a], g.kernel[a], g.stride[a], g.dilation[a], g.pad[a], args.pad_end[a], g.in[a]);
  }
  std::int64_t sum = 0, inside = 0;
  for (std::int64_t z = s[0].begin; z < s[0].end; z += g.dilation[0]) {
    for (std::int64_t y = s[1].begin; y < s[1].end; y += g.dilation[1]) {
      for (std::int64_t v = s[2].begin; v < s[2].end; v += g.dilation[2], inside++) {
        sum += x.steps(channel[((z * g.in[1] + y) * g.in[2] + v) * pixel]);
      }
    }
  }
  return static_cast<float>(static_cast<double>(sum) * static_cast<double>(x.scale()) /
                            window_count(s, inside, args.count_include_pad));
}

void run(const Args& args, const Call& call) {
  const ByteScale x(args.x, call), y(args.y, call);
  const ConvGeometry& g = args.geometry;
  const std::int64_t positions = volume(g.out), source = volume(g.in) * g.ic, result = positions * g.ic;
  const Range range = call.slice.of(g.n * result, 64);
  for (std::int64_t i = range.begin; i < range.end && !call.cancel.requested(); i++) {
    const std::int64_t image = i / result, at = i % result;
    const std::int64_t c = args.channels_last ? at % g.ic : at / positions;
    const std::int64_t position = args.channels_last ? at / g.ic : at % positions;
    const std::uint8_t* channel =
        call.in<std::uint8_t>() + image * source + c * (args.channels_last ? 1 : volume(g.in));
    call.out<std::uint8_t>()[i] = y.code(mean(args, x, channel, position));
  }
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args args, args_of(context));
  const std::int64_t elements = args.result.elements();
  Step step = make_step<run>(std::move(args), "quantized_pool");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(elements / 64, 1, 256));
  return step;
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kGlobal[] = {{"channels_last", AttrKind::integer}};
constexpr AttrSpec kAverage[] = {kWindowAttributes[0],
                                 kWindowAttributes[1],
                                 kWindowAttributes[2],
                                 kWindowAttributes[4],
                                 {"ceil_mode", AttrKind::integer},
                                 {"count_include_pad", AttrKind::integer},
                                 {"channels_last", AttrKind::integer}};
constexpr TypeMask kScale = types(DType::f32);
constexpr TypeMask kTypes[] = {kCodeBytes, kScale, kCodeBytes, kScale, kCodeBytes};

constexpr OpDef op(std::string_view name, std::span<const AttrSpec> attributes) {
  return {.name = name,
          .domain = "com.microsoft",
          .versions = kVersions,
          .attributes = attributes,
          .inputs = {2, 5},
          .input_types = kTypes,
          .infer = infer,
          .prepare = prepare,
          .lanes = lanes_by_row<0>,
          .note = kImageNote};
}
constexpr OpDef kOps[] = {op("QLinearAveragePool", kAverage), op("QLinearGlobalAveragePool", kGlobal)};

}  // namespace
extern const std::span<const OpDef> ops_quantized_pool;
constinit const std::span<const OpDef> ops_quantized_pool{kOps};

}  // namespace adze
