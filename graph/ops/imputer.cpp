// Imputer: puts a value in place of the one that stands for "missing", column by column. Binarizer: 1 above a
// threshold, 0 elsewhere. Both keep the input's type.
#include <cmath>

#include "graph/elementwise.h"
#include "graph/feature_rows.h"

namespace adze {
namespace {

// ---- Binarizer ------------------------------------------------------------------------------------------------------

struct BinarizerArgs {
  DType type;
  std::int64_t elements;
  double threshold;
};

void run_binarizer(const BinarizerArgs& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  dispatch_feature(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) {
      call.out<T>()[i] = static_cast<T>(static_cast<double>(call.in<T>()[i]) > args.threshold);
    }
  });
}

Result<Step> prepare_binarizer(PrepareContext& context) {
  const BinarizerArgs args{context.in(0).type, context.in(0).elements(),
                           static_cast<double>(context.node.attributes.real("threshold", 0))};
  Step step = make_step<run_binarizer>(args, "binarizer");
  step.max_parts = elementwise_parts(args.elements);
  step.in_place = 1;
  return step;
}

// ---- Imputer --------------------------------------------------------------------------------------------------------

// Values in both kinds; the input's type tells which counts.
struct ImputerArgs {
  FeatureRows rows;
  std::vector<float> reals;
  std::vector<std::int64_t> integers;
  float replaced_real;
  std::int64_t replaced_integer;
};

Result<ImputerArgs> imputer_args(const Node& node, const TensorInfo& input) {
  const Attributes& attributes = node.attributes;
  ImputerArgs args{last_axis_rows(input),
                   {},
                   {},
                   attributes.real("replaced_value_float", 0),
                   attributes.integer("replaced_value_int64", 0)};
  if (is_float(input.type)) {
    ADZE_TRY(args.reals,
             per_column("imputed_value_floats", attributes.reals("imputed_value_floats"), args.rows.columns));
    return args;
  }
  ADZE_TRY(args.integers,
           per_column("imputed_value_int64s", attributes.integers("imputed_value_int64s"), args.rows.columns));
  for (const std::int64_t value : args.integers) {
    if (input.type == DType::i32 && value != static_cast<std::int32_t>(value)) {
      return make_error(Code::invalid_model, "imputed value ", value, " doesn't fit an int32");
    }
  }
  return args;
}

void run_imputer(const ImputerArgs& args, const Call& call) {
  const std::int64_t columns = args.rows.columns;
  const Range range = call.slice.of(args.rows.rows);
  dispatch_feature(args.rows.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto is_replaced = [&](T x) {
      if constexpr (std::is_integral_v<T>) return static_cast<std::int64_t>(x) == args.replaced_integer;
      if (std::isnan(args.replaced_real)) return std::isnan(static_cast<double>(x));
      return static_cast<double>(x) == static_cast<double>(args.replaced_real);
    };
    for (std::int64_t row = range.begin; row < range.end; row++) {
      for (std::int64_t c = 0; c < columns; c++) {
        const T x = call.in<T>()[row * columns + c];
        T imputed;
        if constexpr (std::is_integral_v<T>) {
          imputed = static_cast<T>(args.integers[static_cast<std::size_t>(c)]);
        } else {
          imputed = static_cast<T>(args.reals[static_cast<std::size_t>(c)]);
        }
        call.out<T>()[row * columns + c] = is_replaced(x) ? imputed : x;
      }
    }
  });
}

Result<void> infer_imputer(InferContext& context) {
  ADZE_CHECK(imputer_args(context.node, context.in(0)));
  return infer_same_shape(context);
}

Result<Step> prepare_imputer(PrepareContext& context) {
  ADZE_TRY(ImputerArgs args, imputer_args(context.node, context.in(0)));
  const FeatureRows rows = args.rows;
  Step step = by_rows(make_step<run_imputer>(std::move(args), "imputer"), rows);
  step.in_place = 1;
  return step;
}

// ---- definitions ----------------------------------------------------------------------------------------------------

constexpr int kVersions[] = {1};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr AttrSpec kThreshold[] = {{"threshold", AttrKind::real}};
constexpr AttrSpec kImputer[] = {{"imputed_value_floats", AttrKind::reals},
                                 {"imputed_value_int64s", AttrKind::integers},
                                 {"replaced_value_float", AttrKind::real},
                                 {"replaced_value_int64", AttrKind::integer}};

constexpr OpDef kOps[] = {{.name = "Binarizer",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kThreshold,
                           .input_types = kTypes,
                           .infer = infer_same_shape,
                           .prepare = prepare_binarizer},
                          {.name = "Imputer",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kImputer,
                           .input_types = kTypes,
                           .infer = infer_imputer,
                           .prepare = prepare_imputer}};

}  // namespace
extern const std::span<const OpDef> ops_imputer;
constinit const std::span<const OpDef> ops_imputer{kOps};

}  // namespace adze
