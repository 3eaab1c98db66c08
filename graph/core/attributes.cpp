#include "graph/core/attributes.h"

namespace adze {

const Attribute* Attributes::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

void Attributes::erase(std::string_view name) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) entries_.erase(found);
}

const Tensor* Attributes::tensor(std::string_view name) const {
  const Attribute* found = find(name);
  return found ? &std::get<Tensor>(*found) : nullptr;
}

const Graph* Attributes::graph(std::string_view name) const {
  return is_graph(name) ? std::get<std::shared_ptr<const Graph>>(*find(name)).get() : nullptr;
}

}  // namespace adze
