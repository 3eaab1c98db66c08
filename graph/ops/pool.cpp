// MaxPool, AveragePool and LpPool. Channels-last; f32 maxima and averages run on vectors, other types, Lp norms and
// MaxPool's indices element by element.
#include "kernels/pool/pool.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/window.h"

namespace adze {
namespace {

enum class Op { max, average, lp };
Op op_of(const Node& node) {
  return node.op->name == "MaxPool" ? Op::max : node.op->name == "AveragePool" ? Op::average : Op::lp;
}

struct Problem {
  Image src, dst;
  Window window;

  ConvGeometry geometry() const {
    return {src.n,
            padded(src.spatial, 1),
            padded(dst.spatial, 1),
            padded(window.kernel, 1),
            padded(window.stride, 1),
            padded(window.dilation, 1),
            padded(window.pad_begin, 0),
            src.c,
            src.c};
  }
};

Result<Problem> problem_of(const Node& node, const Shape& x) {
  Problem p;
  ADZE_TRY(p.src, Image::of(x, node.channels_last));
  if (!node.attributes.has("kernel_shape"))
    return make_error(Code::invalid_model, "attribute \"kernel_shape\" is missing");
  ADZE_TRY(p.window, read_window(node, p.src.axes(), {}));
  p.dst = {p.src.n, p.src.c, {}};
  ADZE_TRY(p.dst.spatial, slide(node, p.window, p.src.spatial, node.attributes.integer("ceil_mode", 0) != 0));
  ADZE_CHECK(check_padding(p.window));
  return p;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Problem p, problem_of(context.node, context.shape(0)));
  for (int i = 0; i < context.output_count(); i++) context.set_shape(i, p.dst.shape(context.node.channels_last));
  return {};
}

Result<Lanes> lanes_of(const InferContext& context) {
  if (context.node.outputs.size() > 1 && context.node.outputs[1] != kNoValue) {
    return make_error(Code::bad_input, "its indices count through the whole batch");
  }
  return lanes_by_row<0>(context);
}

// ---- vectors --------------------------------------------------------------------------------------------------------

struct VectorArgs {
  PoolFn kernel;
  PoolArgs pool;
};

void run_vector(const VectorArgs& args, const Call& call) {
  PoolArgs pool = args.pool;
  pool.src = call.in();
  pool.dst = call.out();
  pool.geometry.ic_pitch = call.pitch(0, pool.geometry.ic);
  pool.dst_pitch = call.out_pitch(pool.geometry.ic);
  const Range pixels = call.slice.of(pool.geometry.pixels());
  constexpr std::int64_t kPixelsBetweenPolls = 256;
  for (std::int64_t p = pixels.begin; p < pixels.end && !call.cancel.requested(); p += kPixelsBetweenPolls) {
    args.kernel(pool, {p, std::min(p + kPixelsBetweenPolls, pixels.end)});
  }
}

// ---- element by element ---------------------------------------------------------------------------------------------

struct PlainArgs {
  PoolArgs pool;
  Op op;
  DType type;
  std::int64_t p;     // of the norm
  bool column_major;  // of the indices
  bool indices;
};

template <class T>
void run_plain_as(const PlainArgs& args, const Call& call) {
  using Acc = std::conditional_t<std::is_integral_v<T>, std::int64_t, double>;
  const ConvGeometry& g = args.pool.geometry;
  const Range pixels = call.slice.of(g.pixels());
  std::int64_t* indices = args.indices ? call.out<std::int64_t>(1) : nullptr;
  for (std::int64_t i = pixels.begin * g.ic; i < pixels.end * g.ic; i++) {
    const std::int64_t pixel = i / g.ic, c = i % g.ic, image = pixel / volume(g.out);
    const std::int64_t position[kSpatial] = {pixel / g.out[2] / g.out[1] % g.out[0], pixel / g.out[2] % g.out[1],
                                             pixel % g.out[2]};
    Span1 s[kSpatial];
    for (std::size_t a = 0; a < kSpatial; a++) {
      s[a] = window_span(position[a], g.kernel[a], g.stride[a], g.dilation[a], g.pad[a], args.pool.pad_end[a], g.in[a]);
    }
    Acc acc = 0;
    std::int64_t inside = 0, best = 0;
    for (std::int64_t z = s[0].begin; z < s[0].end; z += g.dilation[0]) {
      for (std::int64_t y = s[1].begin; y < s[1].end; y += g.dilation[1]) {
        for (std::int64_t x = s[2].begin; x < s[2].end; x += g.dilation[2], inside++) {
          const std::int64_t at = (z * g.in[1] + y) * g.in[2] + x;
          const auto value =
              static_cast<Acc>(static_cast<Compute<T>>(call.in<T>()[(image * volume(g.in) + at) * g.ic + c]));
          if (args.op == Op::lp) {
            acc += static_cast<Acc>(std::pow(std::fabs(static_cast<double>(value)), static_cast<double>(args.p)));
          } else if (args.op == Op::average) {
            acc += value;
          } else if (inside == 0 || value > acc || (value != value && acc == acc)) {
            acc = value;
            best = args.column_major ? (x * g.in[1] + y) * g.in[0] + z : at;
          }
        }
      }
    }
    if (args.op == Op::lp)
      acc = static_cast<Acc>(std::pow(static_cast<double>(acc), 1.0 / static_cast<double>(args.p)));
    if (args.op == Op::average) {
      acc = static_cast<Acc>(static_cast<double>(acc) / window_count(s, inside, args.pool.count_include_pad));
    }
    call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(acc));
    if (indices) indices[i] = (image * g.ic + c) * volume(g.in) + best;
  }
}

void run_plain(const PlainArgs& args, const Call& call) {
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) run_plain_as<T>(args, call);
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_ASSERT(context.node.channels_last);
  ADZE_TRY(const Problem p, problem_of(context.node, context.in(0).shape));
  const Op op = op_of(context.node);
  const PoolArgs pool{p.geometry(),
                      padded(p.window.pad_end, 0),
                      context.node.attributes.integer("count_include_pad", 0) != 0,
                      nullptr,
                      nullptr,
                      0};
  Step step;
  if (context.in(0).type == DType::f32 && op != Op::lp && !context.wants_output(1)) {
    const auto& kernel = (op == Op::max ? max_pool_f32 : average_pool_f32).best(context.isa);
    step = make_step<run_vector>(VectorArgs{kernel.fn, pool}, concat("pool_f32/", isa_name(kernel.isa)));
    step.pitched = 1;
    step.pitched_output = true;
  } else {
    // The indices of version 8 on count rows first unless storage_order says columns.
    const std::int64_t order = context.node.attributes.integer("p", 2);
    const bool columns = context.node.attributes.integer("storage_order", 0) != 0;
    step = make_step<run_plain>(PlainArgs{pool, op, context.in(0).type, order, columns, context.wants_output(1)},
                                "pool_plain");
  }
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(context.out().elements() / 1024, 1, 256));
  step.flops = static_cast<double>(context.out().elements());
  for (const std::int64_t size : p.window.kernel) step.flops *= static_cast<double>(size);
  return step;
}

Result<void> check(const Node& node) {
  if (node.attributes.integer("p", 2) < 1) return make_error(Code::invalid_model, "attribute \"p\" is below 1");
  return {};
}

constexpr int kMax[] = {1, 8, 10, 11, 12, 22}, kAverage[] = {1, 7, 10, 11, 19, 22}, kLp[] = {1, 2, 11, 18, 22};
constexpr AttrSpec kAttributes[] = {kWindowAttributes[0],
                                    kWindowAttributes[1],
                                    kWindowAttributes[2],
                                    kWindowAttributes[3],
                                    kWindowAttributes[4],
                                    {"ceil_mode", AttrKind::integer},
                                    {"storage_order", AttrKind::integer},
                                    {"count_include_pad", AttrKind::integer},
                                    {"p", AttrKind::integer}};
constexpr TypeMask kMaxTypes[] = {kFloats | types(DType::i8, DType::u8)};
constexpr TypeMask kFloatTypes[] = {kFloats};

constexpr OpDef op(std::string_view name, std::span<const int> versions, std::span<const TypeMask> types,
                   Arity outputs) {
  return {
      .name = name,
      .versions = versions,
      .attributes = kAttributes,
      .outputs = outputs,
      .input_types = types,
      .output_type = [](const Node&, std::span<const DType> inputs, int i) { return i == 1 ? DType::i64 : inputs[0]; },
      .check = check,
      .infer = infer,
      .prepare = prepare,
      .lanes = lanes_of,
      .layout = LayoutRule::channels_last,
      .note = kImageNote};
}
constexpr OpDef kOps[] = {op("MaxPool", kMax, kMaxTypes, {1, 2}), op("AveragePool", kAverage, kFloatTypes, {1, 1}),
                          op("LpPool", kLp, kFloatTypes, {1, 1})};

}  // namespace
extern const std::span<const OpDef> ops_pool;
constinit const std::span<const OpDef> ops_pool{kOps};

}  // namespace adze
