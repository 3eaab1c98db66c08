#include "graph/plan/homes.h"

namespace adze {
namespace {

constexpr std::uint32_t bit(std::size_t i) { return i < 32 ? std::uint32_t{1} << i : 0; }

class Finder {
 public:
  Finder(const SpecialisedGraph& g, std::span<const Step> steps)
      : g_(g),
        steps_(steps),
        producers_(g.graph.values.size(), -1),
        apart_(g.graph.values.size()),
        homes_(apart_.size()) {
    for (std::size_t n = 0; n < steps.size(); n++) find_apart(g.graph.nodes[n], steps[n], static_cast<int>(n));
    for (const Port& port : g.graph.outputs) apart_[static_cast<std::size_t>(port.value)] = false;
  }

  // Outer values come before those inside them.
  std::vector<Home> run() {
    for (std::size_t n = steps_.size(); n-- > 0;) {
      const Join& join = steps_[n].join;
      if (join.rows == 0) continue;
      const Node& node = g_.graph.nodes[n];
      for (std::size_t i = 0; i < node.inputs.size(); i++)
        settle(node.inputs[i], node.outputs[0], join, join.offsets[i]);
    }
    return std::move(homes_);
  }

 private:
  // Whether the rows of the node's values may lie apart: all who read and write them must know it.
  void find_apart(const Node& node, const Step& step, int n) {
    const bool joins_rows = step.join.rows > 1;
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      if (node.inputs[i] == kNoValue) continue;
      if (!joins_rows && !((step.pitched | step.unread) & bit(i)))
        apart_[static_cast<std::size_t>(node.inputs[i])] = false;
    }
    for (std::size_t i = 0; i < node.outputs.size(); i++) {
      if (node.outputs[i] == kNoValue) continue;
      producers_[static_cast<std::size_t>(node.outputs[i])] = n;
      apart_[static_cast<std::size_t>(node.outputs[i])] = i == 0 && (joins_rows || step.pitched_output);
    }
  }

  // The value whose bytes `id` shows.
  ValueId behind_views(ValueId id) const {
    int n = producers_[static_cast<std::size_t>(id)];
    while (n >= 0 && steps_[static_cast<std::size_t>(n)].view) {
      id = g_.graph.nodes[static_cast<std::size_t>(n)].inputs[0];
      n = producers_[static_cast<std::size_t>(id)];
    }
    return id;
  }

  void settle(ValueId input, ValueId output, const Join& join, std::size_t offset) {
    const ValueId id = join.rows == 1 ? behind_views(input) : input;
    const auto index = static_cast<std::size_t>(id), to = static_cast<std::size_t>(output);
    // Constants and inputs of the graph have no producer.
    if (producers_[index] < 0 || homes_[index].value != kNoValue || (join.rows > 1 && !apart_[index])) return;
    Home home = homes_[to].value == kNoValue ? Home{output, 0, 0} : homes_[to];
    home.offset += offset;
    if (join.rows > 1 && home.pitch == 0) home.pitch = g_.shape(output).back();
    homes_[index] = home;
  }

  const SpecialisedGraph& g_;
  std::span<const Step> steps_;
  std::vector<int> producers_;
  std::vector<bool> apart_;
  std::vector<Home> homes_;
};

}  // namespace

std::vector<Home> find_homes(const SpecialisedGraph& g, std::span<const Step> steps) { return Finder(g, steps).run(); }

}  // namespace adze
