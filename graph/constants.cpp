#include "graph/constants.h"

#include <algorithm>

namespace adze {
namespace {

Result<void> check_size(const Tensor& tensor, std::string_view name, std::size_t max_bytes) {
  if (tensor.bytes() <= max_bytes) return {};
  return make_error(Code::resource_limit, "constant \"", name, "\" takes ", tensor.bytes(),
                    " bytes, more than the memory limit of ", max_bytes);
}

}  // namespace

Result<void> release(Value& value) {
  if (!value.constant) return {};
  if (auto status = value.constant->status(); !status) {
    return std::move(status).error().with_context(concat("constant \"", value.name, '"'));
  }
  value.constant = value.constant->released();
  return {};
}

Result<void> release_constants(Graph& graph) {
  for (Value& value : graph.values) ADZE_CHECK(release(value));
  return {};
}

Result<void> check_constant_sizes(const Graph& graph, std::size_t max_bytes) {
  for (const Value& value : graph.values) {
    if (value.constant) ADZE_CHECK(check_size(*value.constant, value.name, max_bytes));
  }
  for (const Node& node : graph.nodes) {
    for (const auto& [name, attribute] : node.attributes) {
      if (const auto* tensor = std::get_if<Tensor>(&attribute)) ADZE_CHECK(check_size(*tensor, node.name, max_bytes));
      if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute); body && *body) {
        ADZE_CHECK(check_constant_sizes(**body, max_bytes));
      }
    }
  }
  return {};
}

std::size_t resident_bytes(const Graph& graph) {
  std::size_t bytes = 0;
  for (const Value& value : graph.values) {
    if (value.constant && !value.constant->is_deferred()) bytes += value.constant->bytes();
  }
  return bytes;
}

void drop_unread_constants(Graph& graph) {
  std::vector<bool> read(graph.values.size(), false);
  const auto mark = [&](ValueId id) {
    if (id != kNoValue) read[static_cast<std::size_t>(id)] = true;
  };
  for (const Node& node : graph.nodes) std::ranges::for_each(node.inputs, mark);
  for (const Port& port : graph.outputs) mark(port.value);
  for (std::size_t i = 0; i < graph.values.size(); i++) {
    if (!read[i]) graph.values[i].constant.reset();
  }
}

}  // namespace adze
