#include "runtime/tune/node_key.h"

#include <algorithm>

namespace adze {
namespace {

// A longer one belongs to no kernel that could be chosen.
constexpr std::size_t kMostLength = 1000;

struct Writer {
  std::string text;
  bool complete = true;

  template <class T>
  void value(const T& held) {
    text += concat(held);
  }
  template <class T>
  void value(const std::vector<T>& held) {
    for (std::size_t i = 0; i < held.size(); i++) text += concat(i ? "," : "", held[i]);
  }
  void value(const Tensor&) { complete = false; }
  void value(const std::shared_ptr<const Graph>&) { complete = false; }
  void node(const Node& node) {
    text += node.op->name;
    for (const auto& [name, attribute] : node.attributes) {
      text += concat(' ', name, '=');
      std::visit([this](const auto& held) { value(held); }, attribute);
    }
    if (node.channels_last) text += " channels-last";
    if (node.planar_source) text += " planar-source";
    if (node.winograd) text += concat(" winograd=", node.winograd);
    if (node.activation.kind != Activation::none)
      text += concat(" activation=", static_cast<int>(node.activation.kind));
    if (node.residual >= 0) text += " residual";
    for (const Node& part : node.parts) {
      text += " (";
      this->node(part);
      text += ')';
    }
  }
  // Constants are marked: kernels see them packed.
  void tensor(const TensorInfo* info) {
    text += info ? concat(' ', to_string(info->shape), info->value ? "!" : "") : " -";
  }
};

bool is_f32(const TensorInfo* info) { return !info || info->value || info->type == DType::f32; }

}  // namespace

std::string node_key(const Node& node, std::span<const TensorInfo* const> inputs, std::span<const TensorInfo> outputs) {
  const auto given = [](const TensorInfo& info) { return info.type == DType::undefined || info.type == DType::f32; };
  if (node.op->random || !node.op->prepare) return {};
  if (!std::ranges::all_of(inputs, is_f32) || !std::ranges::all_of(outputs, given)) return {};
  Writer writer;
  writer.node(node);
  writer.text += ':';
  for (const TensorInfo* info : inputs) writer.tensor(info);
  writer.text += " ->";
  for (const TensorInfo& info : outputs) writer.tensor(&info);
  return writer.complete && writer.text.size() <= kMostLength ? writer.text : std::string();
}

}  // namespace adze
