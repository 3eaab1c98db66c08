#include <map>

#include "graph/axis.h"
#include "graph/passes/pipeline.h"
#include "graph/passes/rewrite.h"

namespace adze {
namespace {

// The rows of inputs that Concats have had so far, as a tree: a row's place follows from that of the row without its
// last input.
class Rows {
 public:
  // The place that `input` leads to from another, or -1.
  int find(int from, ValueId input) const {
    const auto found = next_.find({from, input});
    return found == next_.end() ? -1 : found->second;
  }
  int add(int from, ValueId input) {
    const auto [place, first] = next_.try_emplace({from, input}, static_cast<int>(results_.size()));
    if (first) results_.push_back(kNoValue);
    return place->second;
  }
  // Where rows along an axis begin.
  static int root(int axis) { return -1 - axis; }
  // The result of the Concat whose row ends at this place.
  ValueId& result(int place) { return results_[static_cast<std::size_t>(place)]; }

 private:
  std::map<std::pair<int, ValueId>, int> next_;
  std::vector<ValueId> results_;  // by place
};

}  // namespace

void nest_concats(SpecialisedGraph& g) {
  Rows rows;
  for (Node& node : g.graph.nodes) {
    if (!is_op(node, "Concat") || node.inputs.size() < 2) continue;
    const auto axis = axis_attribute(node, 1, g.shape(node.outputs[0]).rank());
    if (!axis) continue;
    const std::vector<ValueId> inputs = node.inputs;
    std::size_t known = 0;  // inputs that an earlier result stands for
    for (int place = Rows::root(*axis); known < inputs.size();) {
      place = rows.find(place, inputs[known]);
      if (place < 0) break;
      known++;
      if (rows.result(place) == kNoValue) continue;
      node.inputs.assign(inputs.begin() + static_cast<std::ptrdiff_t>(known), inputs.end());
      node.inputs.insert(node.inputs.begin(), rows.result(place));
    }
    int place = Rows::root(*axis);
    for (const ValueId input : inputs) place = rows.add(place, input);
    if (rows.result(place) == kNoValue) rows.result(place) = node.outputs[0];
  }
}

}  // namespace adze
