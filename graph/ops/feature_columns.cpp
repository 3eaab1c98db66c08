// ArrayFeatureExtractor: columns chosen by index. FeatureVectorizer: several inputs' columns side by side, as floats.
#include <cstring>

#include "graph/elementwise.h"
#include "graph/feature_rows.h"

namespace adze {
namespace {

// ---- ArrayFeatureExtractor ------------------------------------------------------------------------------------------

struct ExtractorArgs {
  std::int64_t rows, columns, chosen;
  std::size_t element_size;
};

Result<void> infer_extractor(InferContext& context) {
  Shape shape = context.shape(0);
  if (shape.rank() == 0) return make_error(Code::invalid_model, "the input must have an axis");
  if (shape.rank() == 1) shape = {1, shape[0]};
  shape[shape.rank() - 1] = context.in(1).elements();
  context.set_shape(0, shape);
  return {};
}

void run_extractor(const ExtractorArgs& args, const Call& call) {
  const auto* indices = call.in<std::int64_t>(1);
  for (std::int64_t i = 0; i < args.chosen; i++) {
    if (indices[i] < 0 || indices[i] >= args.columns) return call.failure.set("a column index is out of range");
  }
  const Range range = call.slice.of(args.rows);
  const auto at = [&](std::int64_t element) { return static_cast<std::size_t>(element) * args.element_size; };
  for (std::int64_t row = range.begin; row < range.end; row++) {
    for (std::int64_t i = 0; i < args.chosen; i++) {
      std::memcpy(call.out<std::byte>() + at(row * args.chosen + i),
                  call.in<std::byte>() + at(row * args.columns + indices[i]), args.element_size);
    }
  }
}

Result<Step> prepare_extractor(PrepareContext& context) {
  const FeatureRows rows = last_axis_rows(context.in(0));
  const std::int64_t chosen = context.in(1).elements();
  Step step = make_step<run_extractor>(ExtractorArgs{rows.rows, rows.columns, chosen, size_of(context.in(0).type)},
                                       "extract_columns");
  step.max_parts = row_parts(rows.rows, chosen);
  return step;
}

// ---- FeatureVectorizer ----------------------------------------------------------------------------------------------

struct VectorizerArgs {
  struct Part {
    FeatureRows input;
    std::int64_t first, columns;  // of the output; where there are more than the input has, zeros follow
  };
  std::vector<Part> parts;
  std::int64_t rows = 0, columns = 0;
};

Result<VectorizerArgs> vectorizer_args(const Node& node, std::span<const TensorInfo* const> inputs) {
  const std::vector<std::int64_t> widths = node.attributes.integers("inputdimensions");
  if (!widths.empty() && widths.size() != inputs.size()) {
    return make_error(Code::invalid_model, widths.size(), " inputdimensions for ", inputs.size(), " inputs");
  }
  VectorizerArgs args;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!inputs[i]) return make_error(Code::invalid_model, "input ", i, " is required");
    ADZE_TRY(const FeatureRows input, feature_rows(*inputs[i]));
    if (i > 0 && input.rows != args.rows) {
      return make_error(Code::invalid_model, "input ", i, " has ", input.rows, " rows, not ", args.rows);
    }
    args.rows = input.rows;
    args.parts.push_back({input, args.columns, widths.empty() ? input.columns : widths[i]});
    if (__builtin_add_overflow(args.columns, args.parts.back().columns, &args.columns)) {
      return make_error(Code::invalid_model, "the rows are too long");
    }
  }
  return args;
}

void run_vectorizer(const VectorizerArgs& args, const Call& call) {
  const Range range = call.slice.of(args.rows);
  for (std::size_t i = 0; i < args.parts.size(); i++) {
    const auto& [input, first, columns] = args.parts[i];
    dispatch_feature(input.type, [&, &input = input, first = first, columns = columns](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t row = range.begin; row < range.end; row++) {
        const T* src = call.in<T>(static_cast<int>(i)) + row * input.columns;
        float* dst = call.out() + row * args.columns + first;
        for (std::int64_t c = 0; c < columns; c++) dst[c] = c < input.columns ? static_cast<float>(src[c]) : 0;
      }
    });
  }
}

Result<void> infer_vectorizer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const VectorizerArgs args, vectorizer_args(context.node, inputs));
  context.set_shape(0, {args.rows, args.columns});
  return {};
}

Result<Step> prepare_vectorizer(PrepareContext& context) {
  ADZE_TRY(VectorizerArgs args, vectorizer_args(context.node, context.inputs()));
  const int parts = row_parts(args.rows, args.columns);
  Step step = make_step<run_vectorizer>(std::move(args), "feature_vectorizer");
  step.max_parts = parts;
  return step;
}

// ---- definitions ----------------------------------------------------------------------------------------------------

constexpr int kVersions[] = {1};
constexpr TypeMask kExtractor[] = {kFeatureTypes, types(DType::i64)};
constexpr TypeMask kVectorizer[] = {kFeatureTypes};
constexpr AttrSpec kWidths[] = {{"inputdimensions", AttrKind::integers, false, 0}};

constexpr OpDef kOps[] = {{.name = "ArrayFeatureExtractor",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .inputs = {2, 2},
                           .input_types = kExtractor,
                           .infer = infer_extractor,
                           .prepare = prepare_extractor},
                          {.name = "FeatureVectorizer",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kWidths,
                           .inputs = {1, kVariadic},
                           .input_types = kVectorizer,
                           .own_type = ~0u,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .infer = infer_vectorizer,
                           .prepare = prepare_vectorizer}};

}  // namespace
extern const std::span<const OpDef> ops_feature_columns;
constinit const std::span<const OpDef> ops_feature_columns{kOps};

}  // namespace adze
