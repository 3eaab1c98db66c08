// Scaler: (x - offset) * scale, column by column. Normalizer: each row divided by its norm. Whatever the input's type,
// both compute in double and answer floats.
#include <algorithm>
#include <cmath>

#include "graph/elementwise.h"
#include "graph/feature_rows.h"

namespace adze {
namespace {

// ---- Scaler ---------------------------------------------------------------------------------------------------------

struct ScalerArgs {
  FeatureRows rows;
  std::vector<float> offset, scale;  // per column
};

Result<ScalerArgs> scaler_args(const Node& node, const TensorInfo& input) {
  ScalerArgs args{last_axis_rows(input), {0}, {1}};
  if (node.attributes.has("offset")) args.offset = node.attributes.reals("offset");
  if (node.attributes.has("scale")) args.scale = node.attributes.reals("scale");
  ADZE_TRY(args.offset, per_column("offset", std::move(args.offset), args.rows.columns));
  ADZE_TRY(args.scale, per_column("scale", std::move(args.scale), args.rows.columns));
  return args;
}

void run_scaler(const ScalerArgs& args, const Call& call) {
  const std::int64_t columns = args.rows.columns;
  const Range range = call.slice.of(args.rows.rows);
  dispatch_feature(args.rows.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t row = range.begin; row < range.end; row++) {
      const T* src = call.in<T>() + row * columns;
      float* dst = call.out() + row * columns;
      for (std::int64_t c = 0; c < columns; c++) {
        const auto i = static_cast<std::size_t>(c);
        dst[c] = static_cast<float>((static_cast<double>(src[c]) - static_cast<double>(args.offset[i])) *
                                    static_cast<double>(args.scale[i]));
      }
    }
  });
}

Result<void> infer_scaler(InferContext& context) {
  ADZE_CHECK(scaler_args(context.node, context.in(0)));
  return infer_same_shape(context);
}

Result<Step> prepare_scaler(PrepareContext& context) {
  ADZE_TRY(ScalerArgs args, scaler_args(context.node, context.in(0)));
  const FeatureRows rows = args.rows;
  return by_rows(make_step<run_scaler>(std::move(args), "scaler"), rows);
}

// ---- Normalizer -----------------------------------------------------------------------------------------------------

enum class Norm { max, l1, l2 };

Result<Norm> norm_of(const Node& node) {
  const std::string name = node.attributes.string("norm", "MAX");
  if (name == "MAX") return Norm::max;
  if (name == "L1") return Norm::l1;
  if (name == "L2") return Norm::l2;
  return make_error(Code::unsupported, "norm \"", name, "\" is not known");
}

struct NormalizerArgs {
  FeatureRows rows;
  Norm norm;
};

// All three are of magnitudes, so that signs stay; a row of zeros stays as it is.
void run_normalizer(const NormalizerArgs& args, const Call& call) {
  const std::int64_t columns = args.rows.columns;
  const Range range = call.slice.of(args.rows.rows);
  dispatch_feature(args.rows.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t row = range.begin; row < range.end; row++) {
      const T* src = call.in<T>() + row * columns;
      double norm = 0;
      for (std::int64_t c = 0; c < columns; c++) {
        const double x = std::abs(static_cast<double>(src[c]));
        norm = args.norm == Norm::max ? std::max(norm, x) : norm + (args.norm == Norm::l1 ? x : x * x);
      }
      if (args.norm == Norm::l2) norm = std::sqrt(norm);
      float* dst = call.out() + row * columns;
      for (std::int64_t c = 0; c < columns; c++) {
        dst[c] = static_cast<float>(static_cast<double>(src[c]) / (norm == 0 ? 1 : norm));
      }
    }
  });
}

Result<void> infer_normalizer(InferContext& context) {
  ADZE_CHECK(feature_rows(context.in(0)));
  return infer_same_shape(context);
}

Result<Step> prepare_normalizer(PrepareContext& context) {
  ADZE_TRY(const Norm norm, norm_of(context.node));
  const FeatureRows rows = last_axis_rows(context.in(0));
  return by_rows(make_step<run_normalizer>(NormalizerArgs{rows, norm}, "normalizer"), rows);
}

// ---- definitions ----------------------------------------------------------------------------------------------------

DType floats(const Node&, std::span<const DType>, int) { return DType::f32; }

constexpr int kVersions[] = {1};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr AttrSpec kScaler[] = {{"offset", AttrKind::reals}, {"scale", AttrKind::reals}};
constexpr AttrSpec kNorm[] = {{"norm", AttrKind::string}};

constexpr OpDef kOps[] = {{.name = "Scaler",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kScaler,
                           .input_types = kTypes,
                           .output_type = floats,
                           .infer = infer_scaler,
                           .prepare = prepare_scaler},
                          {.name = "Normalizer",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kNorm,
                           .input_types = kTypes,
                           .output_type = floats,
                           .check = [](const Node& node) -> Result<void> {
                             ADZE_CHECK(norm_of(node));
                             return {};
                           },
                           .infer = infer_normalizer,
                           .prepare = prepare_normalizer}};

}  // namespace
extern const std::span<const OpDef> ops_feature_scaling;
constinit const std::span<const OpDef> ops_feature_scaling{kOps};

}  // namespace adze
