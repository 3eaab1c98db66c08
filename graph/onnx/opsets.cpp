#include "graph/onnx/opsets.h"

#include "graph/onnx/loader.h"
#include "graph/onnx/unsupported.h"

namespace adze {

Result<Opsets> read_opsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) {
  Opsets opsets;
  for (const auto& import : imports) {
    const std::string domain = domain_of(import.domain());
    // Some exporters name a set twice; that is no harm as long as both say the same.
    if (opsets.emplace(domain, import.version()).first->second != import.version()) {
      return make_error(Code::invalid_model, "operator set \"", printable(domain), "\" is imported in two versions");
    }
    if (!domain.empty()) continue;
    if (import.version() < 1) {
      return make_error(Code::invalid_model, "operator set version ", import.version(), " is below 1");
    }
    if (import.version() > kMaxOpset) {
      return make_error(Code::unsupported, "operator set version ", import.version(), " is above ", kMaxOpset);
    }
  }
  return opsets;
}

}  // namespace adze
