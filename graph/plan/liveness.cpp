#include "graph/plan/liveness.h"

#include <algorithm>

#include "graph/plan/homes.h"

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
  Assigner(const SpecialisedGraph& g, std::span<const Step> steps)
      : g_(g), steps_(steps), last_(last_reads(g, steps)), homes_(find_homes(g, steps)) {
    const std::size_t n = g.graph.values.size();
    plan_.buffer_of.assign(n, kNoBuffer);
    plan_.offset_of.assign(n, 0);
    plan_.pitch_of.assign(n, 0);
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
        if (node.outputs[i] == kNoValue || settled(node.outputs[i], static_cast<int>(n))) continue;
        const ValueId shared = i == 0 ? operand_to_share(node, steps_[n], static_cast<int>(n)) : kNoValue;
        if (shared != kNoValue) {
          share(node.outputs[i], shared);
        } else {
          own(node.outputs[i], static_cast<int>(n));
        }
      }
      plan_.idle.push_back(steps_[n].view || all_in_place(node, steps_[n].join));
    }
    return std::move(plan_);
  }

 private:
  // Gives a value that lies inside another, or that others lie inside already, its place; false for any other value.
  bool settled(ValueId id, int n) {
    const Home& home = homes_[static_cast<std::size_t>(id)];
    const auto index = static_cast<std::size_t>(id);
    if (home.value != kNoValue) {
      const auto root = static_cast<std::size_t>(home.value);
      if (plan_.buffer_of[root] == kNoBuffer) own(home.value, n);
      plan_.buffer_of[index] = plan_.buffer_of[root];
      plan_.offset_of[index] = home.offset;
      plan_.pitch_of[index] = home.pitch;
    }
    if (plan_.buffer_of[index] == kNoBuffer) return false;
    extend(id, n);
    return true;
  }

  bool all_in_place(const Node& node, const Join& join) const {
    if (join.rows == 0) return false;
    const auto output = static_cast<std::size_t>(node.outputs[0]);
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      const auto input = static_cast<std::size_t>(node.inputs[i]);
      const bool there = plan_.buffer_of[input] == plan_.buffer_of[output] &&
                         plan_.offset_of[input] == plan_.offset_of[output] + join.offsets[i];
      if (!there && g_.info(node.inputs[i]).elements() > 0) return false;
    }
    return true;
  }

  ValueId operand_to_share(const Node& node, const Step& step, int n) const {
    if (step.view) return node.inputs[0];
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      const ValueId id = node.inputs[i];
      if (id == kNoValue || !(step.in_place & bit(i))) continue;
      const int buffer = plan_.buffer_of[static_cast<std::size_t>(id)];
      // Free to overwrite when nothing reads the buffer afterwards, under whatever name.
      if (buffer == kNoBuffer || plan_.buffers[static_cast<std::size_t>(buffer)].last > n) continue;
      if (plan_.pitch_of[static_cast<std::size_t>(id)]) continue;
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
    plan_.offset_of[to] = plan_.offset_of[source];
    plan_.input_of[to] = plan_.input_of[source];
    plan_.constant_of[to] = plan_.constant_of[source];
    if (plan_.buffer_of[to] != kNoBuffer) extend(id, 0);
  }

  // Keeps the value's buffer until step n and the last that reads the value.
  void extend(ValueId id, int n) {
    const auto index = static_cast<std::size_t>(id);
    Buffer& buffer = plan_.buffers[static_cast<std::size_t>(plan_.buffer_of[index])];
    buffer.last = std::max({buffer.last, n, last_[index]});
  }

  void own(ValueId id, int n) {
    const auto index = static_cast<std::size_t>(id);
    plan_.buffer_of[index] = static_cast<int>(plan_.buffers.size());
    plan_.buffers.push_back({g_.info(id).bytes(), n, std::max(n, last_[index])});
  }

  const SpecialisedGraph& g_;
  std::span<const Step> steps_;
  std::vector<int> last_;
  std::vector<Home> homes_;
  BufferPlan plan_;
};

}  // namespace

BufferPlan assign_buffers(const SpecialisedGraph& g, std::span<const Step> steps) { return Assigner(g, steps).run(); }

}  // namespace adze
