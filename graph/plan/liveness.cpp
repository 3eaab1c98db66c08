#include "graph/plan/liveness.h"

namespace adze {
namespace {

constexpr std::uint32_t bit(std::size_t i) { return i < 32 ? std::uint32_t{1} << i : 0; }

// The index of the last step that reads each value; steps.size() for graph outputs.
std::vector<int> last_reads(const SpecialisedGraph& g, std::span<const Step> steps) {
  std::vector<int> last(g.graph.values.size(), -1);
  for (std::size_t n = 0; n < steps.size(); n++) {
    const Node& node = g.graph.nodes[n];
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      if (node.inputs[i] != kNoValue && !(steps[n].unread & bit(i))) {
        last[static_cast<std::size_t>(node.inputs[i])] = static_cast<int>(n);
      }
    }
  }
  for (const Port& port : g.graph.outputs) last[static_cast<std::size_t>(port.value)] = static_cast<int>(steps.size());
  return last;
}

class Assigner {
 public:
  Assigner(const SpecialisedGraph& g, std::span<const Step> steps) : g_(g), steps_(steps), last_(last_reads(g, steps)) {
    const std::size_t n = g.graph.values.size();
    plan_.buffer_of.assign(n, kNoBuffer);
    plan_.input_of.assign(n, -1);
    plan_.constant_of.assign(n, kNoValue);
    for (std::size_t i = 0; i < g.graph.inputs.size(); i++) {
      plan_.input_of[static_cast<std::size_t>(g.graph.inputs[i].value)] = static_cast<int>(i);
    }
    for (std::size_t i = 0; i < n; i++) {
      if (g.graph.values[i].constant) plan_.constant_of[i] = static_cast<ValueId>(i);
    }
  }

  BufferPlan run() {
    for (std::size_t n = 0; n < steps_.size(); n++) {
      const Node& node = g_.graph.nodes[n];
      for (std::size_t i = 0; i < node.outputs.size(); i++) {
        if (node.outputs[i] == kNoValue) continue;
        const ValueId shared = i == 0 ? operand_to_share(node, steps_[n], static_cast<int>(n)) : kNoValue;
        if (shared != kNoValue) {
          share(node.outputs[i], shared);
        } else {
          own(node.outputs[i], static_cast<int>(n));
        }
      }
    }
    return std::move(plan_);
  }

 private:
  ValueId operand_to_share(const Node& node, const Step& step, int n) const {
    if (step.view) return node.inputs[0];
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      const ValueId id = node.inputs[i];
      if (id == kNoValue || !(step.in_place & bit(i))) continue;
      const int buffer = plan_.buffer_of[static_cast<std::size_t>(id)];
      // Free to overwrite when nothing reads the buffer afterwards, under whatever name.
      if (buffer == kNoBuffer || plan_.buffers[static_cast<std::size_t>(buffer)].last > n) continue;
      if (g_.info(id).bytes() != g_.info(node.outputs[0]).bytes()) continue;
      bool read_twice = false;
      for (std::size_t j = 0; j < node.inputs.size(); j++) {
        if (j == i || node.inputs[j] == kNoValue || (step.in_place & bit(j) && node.inputs[j] == id)) continue;
        read_twice |= plan_.buffer_of[static_cast<std::size_t>(node.inputs[j])] == buffer;
      }
      if (!read_twice) return id;
    }
    return kNoValue;
  }

  void share(ValueId id, ValueId from) {
    const auto to = static_cast<std::size_t>(id), source = static_cast<std::size_t>(from);
    plan_.buffer_of[to] = plan_.buffer_of[source];
    plan_.input_of[to] = plan_.input_of[source];
    plan_.constant_of[to] = plan_.constant_of[source];
    if (plan_.buffer_of[to] != kNoBuffer) {
      Buffer& buffer = plan_.buffers[static_cast<std::size_t>(plan_.buffer_of[to])];
      buffer.last = std::max(buffer.last, last_[to]);
    }
  }

  void own(ValueId id, int n) {
    const auto index = static_cast<std::size_t>(id);
    plan_.buffer_of[index] = static_cast<int>(plan_.buffers.size());
    plan_.buffers.push_back({g_.info(id).bytes(), n, std::max(n, last_[index])});
  }

  const SpecialisedGraph& g_;
  std::span<const Step> steps_;
  std::vector<int> last_;
  BufferPlan plan_;
};

}  // namespace

BufferPlan assign_buffers(const SpecialisedGraph& g, std::span<const Step> steps) { return Assigner(g, steps).run(); }

}  // namespace adze
