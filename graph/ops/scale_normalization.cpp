// Normalisations that only scale: RMSNormalization over the last axes, LpNormalization along one; and
// MeanVarianceNormalization, which centres as well. Sums are taken in double.
#include <cmath>

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

template <class T>
double real(const T* p, std::int64_t i) {
  return static_cast<double>(static_cast<Compute<T>>(p[i]));
}
template <class T>
T rounded(double x) {
  return static_cast<T>(static_cast<Compute<T>>(x));
}

// ---- RMSNormalization -----------------------------------------------------------------------------------------------

struct RmsArgs {
  DType type, scale_type;
  std::int64_t rows, n;
  double epsilon;
  BroadcastLoop scale;  // over the whole data
};

void run_rms(const RmsArgs& args, const Call& call) {
  const Range rows = call.slice.of(args.rows);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    dispatch_float(args.scale_type, [&](auto scale_tag) {
      using S = typename decltype(scale_tag)::type;
      for (std::int64_t row = rows.begin; row < rows.end; row++) {
        const T* src = call.in<T>() + row * args.n;
        double sum = 0;
        for (std::int64_t i = 0; i < args.n; i++) sum += real(src, i) * real(src, i);
        const double inverse = 1 / std::sqrt(sum / static_cast<double>(args.n) + args.epsilon);
        args.scale.for_stretches(
            {row * args.n, (row + 1) * args.n}, [&](std::int64_t first, std::int64_t n, const auto& offsets) {
              for (std::int64_t i = 0; i < n; i++) {
                const T normal = rounded<T>(real(call.in<T>(), first + i) * inverse);
                call.out<S>()[first + i] =
                    rounded<S>(real(&normal, 0) * real(call.in<S>(1), offsets[0] + i * args.scale.step(0)));
              }
            });
      }
    });
  });
}

Result<void> infer_rms(InferContext& context) {
  const Shape &data = context.shape(0), &scale = context.shape(1);
  ADZE_CHECK(axis_attribute(context.node, -1, data.rank()));
  const auto whole = broadcast(data, scale);
  if (!whole || *whole != data) {
    return make_error(Code::invalid_model, "scale ", to_string(scale), " doesn't fit ", to_string(data));
  }
  return infer_same_shape(context);
}

// The scale broadcasts over the whole data.
Result<Lanes> lanes_of_rms(const InferContext& context) {
  const int rank = context.shape(0).rank();
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, rank));
  Lanes lanes = lanes_except(context, axes_from(axis, rank));
  const LaneNames& data = lanes.inputs[0];
  lanes.inputs.push_back({data.end() - context.shape(1).rank(), data.end()});
  lanes.broadcasts = true;
  return lanes;
}

Result<Step> prepare_rms(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, data.rank()));
  const std::int64_t rows = data.elements(0, axis);
  Step step = make_step<run_rms>(RmsArgs{context.in(0).type, context.in(1).type, rows, data.elements(axis, data.rank()),
                                         static_cast<double>(context.node.attributes.real("epsilon", 1e-5f)),
                                         BroadcastLoop(data, std::span(&context.in(1).shape, 1))},
                                 "rms_normalization");
  step.max_parts = static_cast<int>(std::min<std::int64_t>(rows, elementwise_parts(data.elements())));
  return step;
}

// ---- LpNormalization ------------------------------------------------------------------------------------------------

struct LpArgs {
  DType type;
  std::int64_t outer, n, inner;
  bool absolute;  // p = 1, else 2
};

void run_lp(const LpArgs& args, const Call& call) {
  const Range lines = call.slice.of(args.outer * args.inner);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t line = lines.begin; line < lines.end; line++) {
      const std::int64_t base = line / args.inner * args.n * args.inner + line % args.inner;
      double sum = 0;
      for (std::int64_t i = 0; i < args.n; i++) {
        const double x = real(call.in<T>(), base + i * args.inner);
        sum += args.absolute ? std::fabs(x) : x * x;
      }
      const double norm = args.absolute ? sum : std::sqrt(sum);
      for (std::int64_t i = 0; i < args.n; i++) {
        const std::int64_t at = base + i * args.inner;
        call.out<T>()[at] = rounded<T>(norm == 0 ? 0 : real(call.in<T>(), at) / norm);
      }
    }
  });
}

Result<void> infer_lp(InferContext& context) {
  ADZE_CHECK(axis_attribute(context.node, -1, context.shape(0).rank()));
  return infer_same_shape(context);
}

Result<Step> prepare_lp(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const int axis, axis_attribute(context.node, -1, data.rank()));
  Step step =
      make_step<run_lp>(LpArgs{context.in(0).type, data.elements(0, axis), data[axis],
                               data.elements(axis + 1, data.rank()), context.node.attributes.integer("p", 2) == 1},
                        "lp_normalization");
  step.max_parts = elementwise_parts(data.elements());
  return step;
}

// ---- MeanVarianceNormalization --------------------------------------------------------------------------------------

constexpr double kMvnEpsilon = 1e-9;  // the specification's

struct MvnArgs {
  DType type;
  std::vector<std::int64_t> kept_dims, kept_strides, dims, strides;  // of the axes kept and of those averaged over
  std::int64_t kept, n;
};

std::int64_t offset_at(std::int64_t index, const std::vector<std::int64_t>& dims,
                       const std::vector<std::int64_t>& strides) {
  std::int64_t offset = 0;
  for (std::size_t axis = dims.size(); axis-- > 0; index /= dims[axis]) offset += index % dims[axis] * strides[axis];
  return offset;
}

void run_mvn(const MvnArgs& args, const Call& call) {
  const Range kept = call.slice.of(args.kept);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t k = kept.begin; k < kept.end; k++) {
      const std::int64_t base = offset_at(k, args.kept_dims, args.kept_strides);
      const auto at = [&](std::int64_t i) { return base + offset_at(i, args.dims, args.strides); };
      double mean = 0, variance = 0;
      for (std::int64_t i = 0; i < args.n; i++) mean += real(call.in<T>(), at(i));
      mean /= static_cast<double>(args.n);
      for (std::int64_t i = 0; i < args.n; i++) {
        const double d = real(call.in<T>(), at(i)) - mean;
        variance += d * d;
      }
      const double deviation = std::sqrt(variance / static_cast<double>(args.n)) + kMvnEpsilon;
      for (std::int64_t i = 0; i < args.n; i++) {
        call.out<T>()[at(i)] = rounded<T>((real(call.in<T>(), at(i)) - mean) / deviation);
      }
    }
  });
}

std::vector<std::int64_t> mvn_axes(const Node& node) { return node.attributes.integers("axes", {0, 2, 3}); }

Result<void> infer_mvn(InferContext& context) {
  ADZE_CHECK(axis_set(mvn_axes(context.node), context.shape(0).rank()));
  return infer_same_shape(context);
}

Result<Lanes> lanes_of_mvn(const InferContext& context) {
  ADZE_TRY(const auto mixed, axis_set(mvn_axes(context.node), context.shape(0).rank()));
  return lanes_except(context, mixed);
}

Result<Step> prepare_mvn(PrepareContext& context) {
  const Shape& data = context.in(0).shape;
  ADZE_TRY(const auto reduced, axis_set(mvn_axes(context.node), data.rank()));
  MvnArgs args{context.in(0).type, {}, {}, {}, {}, 1, 1};
  const auto strides = data.strides();
  for (int axis = 0; axis < data.rank(); axis++) {
    const bool now = reduced[static_cast<std::size_t>(axis)];
    (now ? args.dims : args.kept_dims).push_back(data[axis]);
    (now ? args.strides : args.kept_strides).push_back(strides[static_cast<std::size_t>(axis)]);
    (now ? args.n : args.kept) *= data[axis];
  }
  const auto parts = static_cast<int>(std::clamp<std::int64_t>(args.kept, 1, elementwise_parts(data.elements())));
  Step step = make_step<run_mvn>(std::move(args), "mean_variance_normalization");
  step.max_parts = parts;
  return step;
}

constexpr int kRms[] = {23}, kLp[] = {1, 22}, kMvn[] = {9, 13};
constexpr AttrSpec kRmsAttributes[] = {
    {"axis", AttrKind::integer}, {"epsilon", AttrKind::real}, {"stash_type", AttrKind::integer}};
constexpr AttrSpec kLpAttributes[] = {{"axis", AttrKind::integer}, {"p", AttrKind::integer, false, 1, 2}};
constexpr AttrSpec kMvnAttributes[] = {{"axes", AttrKind::integers}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "RMSNormalization",
                           .versions = kRms,
                           .attributes = kRmsAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .own_type = 0b10,
                           .output_type = [](const Node&, std::span<const DType> in, int) { return in[1]; },
                           .infer = infer_rms,
                           .prepare = prepare_rms,
                           .lanes = lanes_of_rms},
                          {.name = "LpNormalization",
                           .versions = kLp,
                           .attributes = kLpAttributes,
                           .input_types = kTypes,
                           .infer = infer_lp,
                           .prepare = prepare_lp,
                           .lanes = lanes_but_axis<-1>},
                          {.name = "MeanVarianceNormalization",
                           .versions = kMvn,
                           .attributes = kMvnAttributes,
                           .input_types = kTypes,
                           .infer = infer_mvn,
                           .prepare = prepare_mvn,
                           .lanes = lanes_of_mvn}};

}  // namespace
extern const std::span<const OpDef> ops_scale_normalization;
constinit const std::span<const OpDef> ops_scale_normalization{kOps};

}  // namespace adze
