#include "runtime/rest.h"

#include <algorithm>

namespace adze {

Result<std::shared_ptr<const Rest>> make_rest(const SpecialisedGraph& g, const Graph& source, std::string name,
                                              const ModelOptions& options, std::shared_ptr<WeightStore> weights) {
  enum class Kind { open, given, whole };  // not computed before `model` runs; by the plan or constant; by whole[at]
  struct Origin {
    Kind kind = Kind::given;
    int node = 0, output = 0;
  };
  std::vector<Origin> origins(g.graph.values.size());
  const auto origin = [&](ValueId id) -> Origin& { return origins[static_cast<std::size_t>(id)]; };
  for (const Node& node : g.rest) {
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) origin(id).kind = Kind::open;
    }
  }
  const auto source_of = [&](ValueId id) {
    Rest::Source from;
    if (id == kNoValue) return from;
    if (g.graph[id].constant) {
      from.constant = g.graph[id].constant;
    } else if (origin(id).kind == Kind::whole) {
      from.node = origin(id).node;
      from.index = origin(id).output;
    } else {
      const auto& ports = g.graph.outputs;
      const auto found = std::ranges::find(ports, id, &Port::value);
      from.index = static_cast<int>(found - ports.begin());
    }
    return from;
  };

  auto rest = std::make_shared<Rest>();
  Graph later;
  later.name = source.name;
  later.values = g.graph.values;
  for (const Node& node : g.rest) {
    const bool ready = node.op->run_whole && std::ranges::none_of(node.inputs, [&](ValueId id) {
                         return id != kNoValue && origin(id).kind == Kind::open;
                       });
    if (!ready) {
      later.nodes.push_back(node);
      continue;
    }
    Rest::Whole whole{node, {}};
    for (const ValueId id : node.inputs) {
      Rest::Source from = source_of(id);
      if (from.constant) {
        ADZE_TRY(from.constant, from.constant->resident());
      }
      whole.inputs.push_back(std::move(from));
    }
    for (std::size_t i = 0; i < node.outputs.size(); i++) {
      if (node.outputs[i] != kNoValue) {
        origin(node.outputs[i]) = {Kind::whole, static_cast<int>(rest->whole.size()), static_cast<int>(i)};
      }
    }
    rest->whole.push_back(std::move(whole));
  }

  const auto read = [&](ValueId id) {
    if (id == kNoValue || origin(id).kind == Kind::open || later[id].constant) return;
    if (std::ranges::find(later.inputs, id, &Port::value) != later.inputs.end()) return;
    const DType type = origin(id).kind == Kind::given ? g.info(id).type : DType::undefined;
    later.inputs.push_back({id, type, std::nullopt});
    rest->inputs.push_back({source_of(id), std::ranges::find(g.asked, id) != g.asked.end()});
  };
  for (const Node& node : later.nodes) std::ranges::for_each(node.inputs, read);
  for (const Port& port : source.outputs) read(port.value);
  later.outputs = source.outputs;
  rest->model = Model::part(std::move(later), std::move(name), options, std::move(weights));
  return std::shared_ptr<const Rest>(std::move(rest));
}

}  // namespace adze
