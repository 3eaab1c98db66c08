// Models with functions of their own, all in the domain "local".
#pragma once

#include "tests/support/model_builder.h"

namespace adze::testing {

inline constexpr const char* kLocalDomain = "local";

inline onnx::NodeProto& node(onnx::FunctionProto& function, const std::string& op, std::vector<std::string> inputs,
                             std::vector<std::string> outputs) {
  auto* added = function.add_node();
  added->set_op_type(op);
  for (const auto& name : inputs) added->add_input(name);
  for (const auto& name : outputs) added->add_output(name);
  return *added;
}

inline void refer(onnx::NodeProto& node, const std::string& name, const std::string& to,
                  onnx::AttributeProto::AttributeType type) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  attribute->set_ref_attr_name(to);
}

class FunctionModel : public ModelBuilder {
 public:
  explicit FunctionModel(int opset = 17) : ModelBuilder(opset) {
    proto().set_ir_version(10);
    import_local(*proto().add_opset_import());
  }

  static void import_local(onnx::OperatorSetIdProto& import) {
    import.set_domain(kLocalDomain);
    import.set_version(1);
  }

  onnx::FunctionProto& function(const std::string& name, std::vector<std::string> inputs,
                                std::vector<std::string> outputs, int opset = 17) {
    auto* function = proto().add_functions();
    function->set_domain(kLocalDomain);
    function->set_name(name);
    for (const auto& input : inputs) function->add_input(input);
    for (const auto& output : outputs) function->add_output(output);
    auto* import = function->add_opset_import();
    import->set_domain("");
    import->set_version(opset);
    import_local(*function->add_opset_import());
    return *function;
  }

  onnx::NodeProto& call(const std::string& name, std::vector<std::string> inputs, std::vector<std::string> outputs) {
    auto& added = node(name, std::move(inputs), std::move(outputs));
    added.set_domain(kLocalDomain);
    return added;
  }
};

inline onnx::NodeProto& local(onnx::NodeProto& node) {
  node.set_domain(kLocalDomain);
  return node;
}

}  // namespace adze::testing
