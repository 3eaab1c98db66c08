// Small ONNX models made in a test, as bytes.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "graph/onnx/onnx_subset.pb.h"
#include "graph/onnx/tensor_proto.h"

namespace adze::testing {

class ModelBuilder {
 public:
  explicit ModelBuilder(int opset = 17) {
    model_.set_ir_version(8);
    auto* import = model_.add_opset_import();
    import->set_domain("");
    import->set_version(opset);
    model_.mutable_graph()->set_name("test");
  }

  // A dimension of -1 is symbolic, each with a name of its own: "N", "N1", ...
  ModelBuilder& input(const std::string& name, std::vector<std::int64_t> dims, DType type = DType::f32) {
    value(*model_.mutable_graph()->add_input(), name, dims, type);
    return *this;
  }
  ModelBuilder& output(const std::string& name, std::vector<std::int64_t> dims = {}, DType type = DType::f32) {
    value(*model_.mutable_graph()->add_output(), name, dims, type);
    return *this;
  }
  ModelBuilder& initializer(const std::string& name, const Tensor& tensor) {
    *model_.mutable_graph()->add_initializer() = to_proto(tensor, name);
    return *this;
  }
  onnx::NodeProto& node(const std::string& op, std::vector<std::string> inputs, std::vector<std::string> outputs) {
    auto* node = model_.mutable_graph()->add_node();
    node->set_op_type(op);
    for (const auto& name : inputs) node->add_input(name);
    for (const auto& name : outputs) node->add_output(name);
    return *node;
  }

  onnx::ModelProto& proto() { return model_; }
  std::string serialized() const { return model_.SerializeAsString(); }

 private:
  void value(onnx::ValueInfoProto& info, const std::string& name, const std::vector<std::int64_t>& dims, DType type) {
    info.set_name(name);
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(static_cast<int>(type));
    auto* shape = tensor->mutable_shape();
    for (const std::int64_t dim : dims) {
      if (dim < 0) {
        shape->add_dim()->set_dim_param(symbols_ ? "N" + std::to_string(symbols_) : "N");
        symbols_++;
      } else {
        shape->add_dim()->set_dim_value(dim);
      }
    }
  }

  onnx::ModelProto model_;
  int symbols_ = 0;
};

inline void set(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}
inline void set(onnx::NodeProto& node, const std::string& name, std::initializer_list<std::int64_t> values) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) attribute->add_ints(value);
}
inline void set_real(onnx::NodeProto& node, const std::string& name, float value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::FLOAT);
  attribute->set_f(value);
}
inline void set_string(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::STRING);
  attribute->set_s(value);
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace adze::testing
