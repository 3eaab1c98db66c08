// SVMRegressor: the support vectors' kernels with a row, weighted and summed; of one class, whether the sum is
// positive. Without support vectors it is a linear model.
#include "graph/classifier.h"
#include "graph/list_length.h"
#include "graph/support_vectors.h"

namespace adze {
namespace {

struct Regressor {
  SupportVectors vectors;
  std::vector<float> coefficients;  // one per vector
  double rho = 0;
  bool one_class = false;
  PostTransform transform = PostTransform::none;
};

Result<Regressor> regressor_of(const Node& node) {
  Regressor svm;
  const std::int64_t n = node.attributes.integer("n_supports", 0);
  if (n > 0) {
    ADZE_TRY(svm.vectors, support_vectors(node, "support_vectors", n));
    svm.coefficients = node.attributes.reals("coefficients");
    ADZE_CHECK(check_length("coefficients", svm.coefficients.size(), n));
  } else {
    ADZE_TRY(svm.vectors, support_vectors(node, "coefficients", 1));
    svm.vectors.kernel = SvmKernel::linear;
    svm.coefficients = {1};
  }
  const std::vector<float> rho = node.attributes.reals("rho");
  ADZE_CHECK(check_length("rho", rho.size(), 1));
  svm.rho = static_cast<double>(rho[0]);
  svm.one_class = node.attributes.integer("one_class", 0) != 0;
  ADZE_TRY(svm.transform, post_transform_of(node));
  return svm;
}

struct Args {
  FeatureRows input;
  Regressor svm;
};

void run(const Args& args, const Call& call) {
  const Regressor& svm = args.svm;
  const Range range = call.slice.of(args.input.rows);
  for (std::int64_t r = range.begin; r < range.end && !call.cancel.requested(); r++) {
    const double* x = args.input.row<double>(call, r, reinterpret_cast<double*>(call.scratch));
    double sum = 0;
    for (std::int64_t i = 0; i < svm.vectors.count; i++) {
      sum += static_cast<double>(svm.coefficients[static_cast<std::size_t>(i)]) * svm.vectors(x, i);
    }
    sum += svm.rho;
    if (svm.one_class) sum = sum > 0 ? 1 : -1;
    apply(svm.transform, {&sum, 1});
    call.out()[r] = static_cast<float>(sum);
  }
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Regressor svm, regressor_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  context.set_shape(0, {rows.rows, 1});
  return {};
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Regressor svm, regressor_of(context.node));
  ADZE_TRY(const FeatureRows rows, rows_for(svm.vectors, context.in(0)));
  const std::int64_t vectors = svm.vectors.count;
  return svm_step(make_step<run>(Args{rows, std::move(svm)}, "svm"), rows, vectors,
                  static_cast<std::size_t>(rows.columns));
}

Result<void> check(const Node& node) {
  ADZE_CHECK(regressor_of(node));
  return {};
}

constexpr int kVersions[] = {1};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr AttrSpec kAttributes[] = {{"kernel_type", AttrKind::string},
                                    {"kernel_params", AttrKind::reals},
                                    {"n_supports", AttrKind::integer, false, 0},
                                    {"support_vectors", AttrKind::reals},
                                    {"coefficients", AttrKind::reals, true},
                                    {"rho", AttrKind::reals, true},
                                    {"one_class", AttrKind::integer},
                                    {"post_transform", AttrKind::string}};

constexpr OpDef kOps[] = {{.name = "SVMRegressor",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .check = check,
                           .infer = infer,
                           .prepare = prepare}};

}  // namespace
extern const std::span<const OpDef> ops_svm_regressor;
constinit const std::span<const OpDef> ops_svm_regressor{kOps};

}  // namespace adze
