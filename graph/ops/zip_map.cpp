// ZipMap: pairs each row's scores with class labels. There are no maps here: the scores pass as the dense tensor that
// they are, column i for label i of the attribute.
#include "graph/elementwise.h"

namespace adze {
namespace {

Result<void> infer(InferContext& context) {
  const Attribute* text = context.node.attributes.find("classlabels_strings");
  const std::size_t texts = text ? std::get<std::vector<std::string>>(*text).size() : 0;
  const std::size_t numbers = context.node.attributes.integers("classlabels_int64s").size();
  if ((texts == 0) == (numbers == 0)) return make_error(Code::invalid_model, "needs class labels, numbers or text");
  const Shape& scores = context.shape(0);
  const auto labels = static_cast<std::int64_t>(texts + numbers);
  if (scores.rank() < 1 || scores.rank() > 2 || scores.back() != labels) {
    return make_error(Code::invalid_model, "scores of shape ", to_string(scores), " for ", labels, " labels");
  }
  return infer_same_shape(context);
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kAttributes[] = {{"classlabels_int64s", AttrKind::integers},
                                    {"classlabels_strings", AttrKind::strings}};
constexpr TypeMask kTypes[] = {types(DType::f32, DType::f64)};  // exporters pass doubles too

constexpr OpDef kOps[] = {{.name = "ZipMap",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = [](PrepareContext&) -> Result<Step> { return view_step(); }}};

}  // namespace
extern const std::span<const OpDef> ops_zip_map;
constinit const std::span<const OpDef> ops_zip_map{kOps};

}  // namespace adze
