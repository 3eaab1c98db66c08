#include "graph/conv/strips.h"

#include <algorithm>

#include "graph/conv/steps.h"
#include "kernels/conv/depthwise.h"
#include "kernels/gemm/gemm.h"

namespace adze {
namespace {

// Of L2, for the lines and rows of a strip; its weights are beside them.
constexpr std::int64_t kStripFloats = (512 << 10) / sizeof(float);
constexpr std::int64_t kMostRows = 8;
// A map of fewer floats stays in L2 as a whole.
constexpr std::int64_t kFarFloats = (1 << 20) / sizeof(float);
// More weights wouldn't stay there beside a strip, which passes over all of them.
constexpr std::int64_t kMostWeights = (256 << 10) / sizeof(float);

struct Args {
  bool expands, projects;
  GemmArgs expand, project;
  DepthwiseFn kernel;
  DepthwiseArgs depthwise;
  std::int64_t rows;   // of a strip
  std::int64_t lines;  // of the depthwise source that are kept
  int residual;
  bool sums;  // output 1 takes those of the depthwise part
};

std::int64_t line_size(const ConvGeometry& g) { return g.in[2] * g.ic; }
std::int64_t row_size(const ConvGeometry& g) { return g.out[2] * g.ic; }
// Source lines that so many rows read.
std::int64_t lines_of(const ConvGeometry& g, std::int64_t rows) { return (rows - 1) * g.stride[1] + g.kernel[1]; }
std::int64_t scratch_size(const ConvGeometry& g, std::int64_t rows, bool expands, bool projects) {
  return (expands ? lines_of(g, rows) * line_size(g) : 0) + (projects ? rows * row_size(g) : 0);
}

// The rows of a strip, an even number; 0 where two don't fit.
std::int64_t strip_rows(const ConvGeometry& g, bool expands, bool projects) {
  std::int64_t rows = kMostRows;
  while (rows > 0 && scratch_size(g, rows, expands, projects) > kStripFloats) rows -= 2;
  return rows;
}

// Pixels and the floats from one to the next.
struct Pixels {
  const float* data;
  std::int64_t pitch;

  const float* at(std::int64_t pixel) const { return data ? data + pixel * pitch : nullptr; }
};

void multiply(GemmArgs gemm, const Pixels& src, float* dst, std::int64_t dst_pitch, const Pixels& residual,
              std::int64_t pixels, const CancelFlag& cancel) {
  const MatrixRows rows{src.data, src.pitch};
  gemm.context = &rows;
  gemm.m = pixels;
  gemm.c = dst;
  gemm.ldc = dst_pitch;
  gemm.residual = residual.data;
  gemm.ldr = residual.pitch;
  gemm_f32(gemm, {}, cancel);
}

// One thread's rows. Lines of the expanded source that the next strip reads too stay where they are.
void run(const Args& args, const Call& call) {
  const ConvGeometry& g = args.depthwise.geometry;
  const Range mine = call.slice.of(g.n * g.out[1]);
  auto* ring = reinterpret_cast<float*>(call.scratch);
  float* middle = ring + (args.expands ? args.lines * line_size(g) : 0);
  const Pixels source{call.in(), call.pitch(0, args.expands ? args.expand.kc : g.ic)};
  const std::int64_t channels = args.projects ? args.project.n : g.ic, dst_pitch = call.out_pitch(channels);
  Pixels residual{nullptr, 0};
  if (args.residual >= 0) residual = {call.in(args.residual), call.pitch(args.residual, channels)};
  std::int64_t filled_image = -1, filled = 0;  // lines [.., filled) of that image have been expanded
  for (std::int64_t r = mine.begin; r < mine.end;) {
    const std::int64_t image = r / g.out[1], y = r % g.out[1];
    const std::int64_t count = std::min({args.rows, mine.end - r, g.out[1] - y});
    DepthwiseArgs strip = args.depthwise;
    strip.src = source.data;
    if (!args.expands) strip.geometry.ic_pitch = source.pitch;
    if (args.expands) {
      const std::int64_t first = y * g.stride[1] - g.pad[1], last = first + (count - 1) * g.stride[1] + g.kernel[1];
      if (image != filled_image) filled = 0;
      filled_image = image;
      filled = std::max({filled, first, std::int64_t{0}});
      for (const std::int64_t end = std::min(last, g.in[1]); filled < end;) {
        const std::int64_t at = filled % args.lines, lines = std::min(end - filled, args.lines - at);
        const Pixels src{source.at((image * g.in[1] + filled) * g.in[2]), source.pitch};
        multiply(args.expand, src, ring + at * line_size(g), g.ic, {nullptr, 0}, lines * g.in[2], call.cancel);
        filled += lines;
      }
      strip.src = ring;
      strip.src_lines = args.lines;
    }
    strip.sums = args.sums ? call.out(1) : nullptr;
    if (args.projects) {
      strip.dst = middle;
      strip.dst_row = r;
    } else {
      strip.dst = call.out();
      strip.dst_pitch = dst_pitch;
      strip.residual = residual.data;
      strip.residual_pitch = residual.pitch;
    }
    if (call.cancel.requested()) return;
    args.kernel(strip, {r, r + count});
    if (args.projects) {
      const std::int64_t out = r * g.out[2];
      multiply(args.project, {middle, g.ic}, call.out() + out * dst_pitch, dst_pitch,
               {residual.at(out), residual.pitch}, count * g.out[2], call.cancel);
    }
    r += count;
  }
}

// Source, weights and bias of a part, for its own context.
struct PartInputs {
  TensorInfo source;
  const TensorInfo* all[3];

  PartInputs(const PrepareContext& context, std::size_t part, const TensorInfo& src) : source(src) {
    const int weights = 1 + 2 * static_cast<int>(part);
    all[0] = &source;
    all[1] = &context.in(weights);
    all[2] = context.has(weights + 1) ? &context.in(weights + 1) : nullptr;
  }
};

Result<Step> prepare(PrepareContext& context) {
  Args args{};
  args.residual = -1;
  TensorInfo source = context.in(0);
  double flops = 0;
  const std::vector<Node>& parts = context.node.parts;
  for (std::size_t i = 0; i < parts.size(); i++) {
    const PartInputs inputs(context, i, source);
    const PrepareContext part = context.for_part(parts[i], inputs.all);
    ADZE_TRY(const ConvProblem p, conv_problem(parts[i], source.shape, inputs.all[1]->shape));
    flops += p.flops();
    if (p.groups > 1) {
      ADZE_TRY(const PackedConv packed, pack_depthwise(part, p));
      args.kernel = depthwise_f32.best(context.isa).fn;
      args.depthwise = {
          p.geometry(), nullptr, packed.weights, packed.bias, nullptr, nullptr, parts[i].activation, 0, 0, 0, 0,
          nullptr};
      args.depthwise.geometry.ic = p.src.c;
    } else if (i == 0) {
      args.expands = true;
      ADZE_TRY(args.expand, pointwise_gemm(part, p));
    } else {
      args.projects = true;
      ADZE_TRY(args.project, pointwise_gemm(part, p));
    }
    if (parts[i].residual >= 0) args.residual = context.input_count() - 1;
    source.shape = p.dst.shape(true);
  }
  const ConvGeometry& g = args.depthwise.geometry;
  args.sums = context.wants_output(1);
  args.rows = strip_rows(g, args.expands, args.projects);
  args.lines = lines_of(g, args.rows);
  Step step = make_step<run>(
      args, concat("strips_f32/", isa_name(depthwise_f32.best(context.isa).isa), args.expands ? " 1x1" : "",
                   " depthwise", args.projects ? " 1x1" : "", args.sums ? " sums" : ""));
  step.flops = flops;
  step.honours.row_block = true;
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(g.n * g.out[1] / 4, 1, 256));
  for (std::size_t i = 1; i <= 2 * parts.size(); i++) step.unread |= 1u << i;
  step.pitched = 1u | (args.residual >= 0 ? 1u << args.residual : 0u);
  step.pitched_output = true;
  step.scratch_bytes =
      static_cast<std::size_t>(scratch_size(g, args.rows, args.expands, args.projects)) * sizeof(float);
  return step;
}

}  // namespace

bool strips_pay(const ConvGeometry& g, const StripNeighbours& around) {
  const std::int64_t source = g.n * g.in[1] * line_size(g), result = g.n * g.out[1] * row_size(g);
  const std::int64_t far = std::max(around.expands ? source : 0, around.projects ? result : 0);
  return far >= kFarFloats && around.weights <= kMostWeights && strip_rows(g, around.expands, around.projects) > 0;
}

constinit const OpDef strips_op{.name = "Strips", .versions = {}, .input_types = {}, .prepare = prepare};

}  // namespace adze
