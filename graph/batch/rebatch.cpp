#include "graph/batch/rebatch.h"

#include <algorithm>

#include "graph/batch/lanes.h"
#include "graph/batch/place.h"
#include "graph/evaluate.h"

namespace adze {
namespace {

// The lane along which the batch passes through a node.
struct Passage {
  int lane;
  std::int64_t outer, size;  // BatchPlace::outer, and the axis' positions in one row
};

std::optional<int> axis_of(const std::vector<LaneNames>& names, std::size_t i, int lane) {
  if (i >= names.size()) return std::nullopt;
  const auto found = std::ranges::find(names[i], lane);
  if (found == names[i].end()) return std::nullopt;
  return static_cast<int>(found - names[i].begin());
}

class Rebatch {
 public:
  Rebatch(const SpecialisedGraph& one, std::int64_t rows)
      : one_(one), rows_(rows), places_(one.graph.values.size()), wide_(one.graph) {
    wide_.nodes.clear();
  }

  // Inputs, nodes, outputs, in this order.
  Result<void> run();
  // REQUIRES: run() succeeded. What the whole batch's shapes must come out as is checked against inference.
  Result<SpecialisedGraph> specialised(std::size_t max_bytes) const;

 private:
  const std::vector<BatchPlace>& places(ValueId id) const { return places_[static_cast<std::size_t>(id)]; }
  bool carries(ValueId id) const { return !places(id).empty(); }
  // REQUIRES: carries(id)
  const BatchPlace& place(ValueId id) const { return places(id).front(); }
  Result<void> set_places(ValueId id, std::vector<BatchPlace> where);

  Result<void> pass(const Node& node);
  Result<void> pass_reshaped(const Node& node);
  std::optional<Passage> find_passage(const Node& node, const Lanes& lanes) const;
  bool fits(const Node& node, const Lanes& lanes, const Passage& passage) const;
  Error refusal(const Node& node, const Lanes& lanes) const;

  // Nodes of that name that give `id` with the batch elsewhere, and a constant once for each row.
  ValueId moved(const std::string& name, ValueId id, const BatchPlace& to);
  ValueId repeated(const std::string& name, ValueId constant, const BatchPlace& at);
  // A Reshape or Expand; to a new value where `result` is left open.
  ValueId add_shaping(const std::string& name, const char* op, ValueId id, const Shape& shape,
                      ValueId result = kNoValue);

  const SpecialisedGraph& one_;
  const std::int64_t rows_;
  // By value of one_: where it carries the batch, then where it might as well; none: constant.
  std::vector<std::vector<BatchPlace>> places_;
  Graph wide_;
};

Result<void> Rebatch::set_places(ValueId id, std::vector<BatchPlace> where) {
  if (one_.info(id).elements() == 0) return make_error(Code::bad_input, "an empty result has no place for a batch");
  if (!batch_shape(one_.shape(id), where.front(), rows_)) {
    return make_error(Code::resource_limit, rows_, " rows of ", to_string(one_.shape(id)), " are too large");
  }
  places_[static_cast<std::size_t>(id)] = std::move(where);
  return {};
}

ValueId Rebatch::add_shaping(const std::string& name, const char* op, ValueId id, const Shape& shape, ValueId result) {
  constexpr int kOpset = 13;
  Node node;
  node.name = name;
  node.op = find_op("", op);
  node.version = version_for(*node.op, kOpset);
  node.inputs = {id, wide_.add_constant(node.name, Tensor::from_ints(shape.dims()))};
  node.outputs = {result == kNoValue ? wide_.add_value(node.name, wide_[id].type) : result};
  wide_.nodes.push_back(std::move(node));
  return wide_.nodes.back().outputs[0];
}

ValueId Rebatch::moved(const std::string& name, ValueId id, const BatchPlace& to) {
  if (place(id) == to) return id;
  return add_shaping(name, "Reshape", id, *batch_shape(one_.shape(id), to, rows_));
}

ValueId Rebatch::repeated(const std::string& name, ValueId constant, const BatchPlace& at) {
  const Shape& shape = one_.shape(constant);
  const std::int64_t outer = before(shape, at), inner = shape.elements() / std::max<std::int64_t>(outer, 1);
  const ValueId rows = wide_.add_constant(name, one_.graph[constant].constant->reshaped({outer, 1, inner}));
  return add_shaping(name, "Reshape", add_shaping(name, "Expand", rows, {outer, rows_, inner}),
                     *batch_shape(shape, at, rows_));
}

bool Rebatch::fits(const Node& node, const Lanes& lanes, const Passage& passage) const {
  for (std::size_t i = 0; i < node.inputs.size(); i++) {
    if (node.inputs[i] == kNoValue || static_cast<int>(i) == lanes.typing) continue;
    const Shape& shape = one_.shape(node.inputs[i]);
    const auto axis = axis_of(lanes.inputs, i, passage.lane);
    if (carries(node.inputs[i])) {
      if (!axis || shape[*axis] != passage.size) return false;
      if (!std::ranges::count(places(node.inputs[i]), BatchPlace{*axis, passage.outer})) return false;
    } else if (axis && shape[*axis] != passage.size && !(lanes.broadcasts && shape[*axis] == 1)) {
      return false;
    } else if (axis && !batch_shape(shape, {*axis, passage.outer}, rows_)) {
      return false;
    }
  }
  for (std::size_t i = 0; i < node.outputs.size(); i++) {
    if (node.outputs[i] == kNoValue) continue;
    const auto axis = axis_of(lanes.outputs, i, passage.lane);
    if (!axis || one_.shape(node.outputs[i])[*axis] != passage.size) return false;
  }
  return true;
}

// The first input that is the row's leads: the others must follow to one of its places.
std::optional<Passage> Rebatch::find_passage(const Node& node, const Lanes& lanes) const {
  for (std::size_t i = 0; i < node.inputs.size() && i < lanes.inputs.size(); i++) {
    const ValueId id = node.inputs[i];
    if (id == kNoValue || !carries(id) || lanes.inputs[i].empty()) continue;
    for (const BatchPlace& at : places(id)) {
      const int lane = lanes.inputs[i][static_cast<std::size_t>(at.axis)];
      const Passage candidate{lane, at.outer, one_.shape(id)[at.axis]};
      if (lane != kMixed && fits(node, lanes, candidate)) return candidate;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

Error Rebatch::refusal(const Node& node, const Lanes& lanes) const {
  std::string carried;
  int carrying = 0;
  for (std::size_t i = 0; i < node.inputs.size(); i++) {
    if (node.inputs[i] == kNoValue || !carries(node.inputs[i])) continue;
    if (i >= lanes.inputs.size() || lanes.inputs[i].empty()) {
      return make_error(Code::bad_input, "its input ", i, " differs from row to row");
    }
    carried += concat(carrying++ ? ", " : "", "input ", i, " (", to_string(one_.shape(node.inputs[i])),
                      ") has it on axis ", place(node.inputs[i]).axis);
  }
  return make_error(Code::bad_input,
                    carrying > 1 ? "it combines rows of the batch: " : "it works across the batch: ", carried);
}

// Of the places that keep the order of elements, an axis of size 1 is the batch's own. Where there are several, or none
// and the batch is merged into a longer axis, what follows decides.
Result<void> Rebatch::pass_reshaped(const Node& node) {
  const ValueId data = node.inputs[0], result = node.outputs[0];
  const Shape &shape = one_.shape(data), &target = one_.shape(result);
  const BatchPlace& from = place(data);
  auto candidates = places_before(target, before(shape, from));
  if (candidates.empty()) {
    return make_error(Code::bad_input, "it merges the batch on axis ", from.axis, " of ", to_string(shape), " into ",
                      to_string(target));
  }
  const auto own = [&](const BatchPlace& p) { return target[p.axis] == 1; };
  if (std::ranges::any_of(candidates, own)) std::erase_if(candidates, [&](const BatchPlace& p) { return !own(p); });
  const auto rank = [&](const BatchPlace& p) { return std::pair(p.outer != 1, p.axis != from.axis); };
  std::ranges::stable_sort(candidates, {}, rank);
  ADZE_CHECK(set_places(result, candidates));
  add_shaping(node.name, "Reshape", data, *batch_shape(target, place(result), rows_), result);
  return {};
}

Result<void> Rebatch::pass(const Node& node) {
  if (!node.op->lanes) return make_error(Code::bad_input, "it isn't known to keep rows apart");
  const auto infos = one_.input_infos(node);
  InferContext context(node, infos);
  ADZE_CHECK(node.op->infer(context));
  ADZE_TRY(const Lanes lanes, node.op->lanes(context));
  if (lanes.reshapes) return pass_reshaped(node);
  const auto passage = find_passage(node, lanes);
  if (!passage) return refusal(node, lanes);

  Node wide = node;
  const std::string added = node.name + "/batch";
  for (std::size_t i = 0; i < node.inputs.size(); i++) {
    const ValueId id = node.inputs[i];
    const auto axis = id == kNoValue ? std::nullopt : axis_of(lanes.inputs, i, passage->lane);
    if (!axis) continue;
    const BatchPlace at{*axis, passage->outer};
    if (carries(id)) {
      wide.inputs[i] = moved(added, id, at);
    } else if (!(lanes.broadcasts && one_.shape(id)[*axis] == 1)) {
      wide.inputs[i] = repeated(added, id, at);
    }
  }
  for (auto [input, names, values] : lanes.sizes) {
    for (std::size_t i = 0; i < values.size(); i++) {
      if (names[i] == passage->lane) values[i] *= rows_;
    }
    wide.inputs[static_cast<std::size_t>(input)] = wide_.add_constant(added, Tensor::from_ints(values));
  }
  wide_.nodes.push_back(std::move(wide));
  for (std::size_t i = 0; i < node.outputs.size(); i++) {
    if (node.outputs[i] == kNoValue) continue;
    ADZE_CHECK(set_places(node.outputs[i], {{*axis_of(lanes.outputs, i, passage->lane), passage->outer}}));
  }
  return {};
}

Result<void> Rebatch::run() {
  const auto named = [&](std::string_view what, ValueId id) { return concat(what, " \"", one_.graph[id].name, '"'); };
  for (const Port& port : one_.graph.inputs) {
    const Shape& shape = one_.shape(port.value);
    if (shape.rank() == 0 || shape[0] != 1 || one_.info(port.value).value) {
      return make_error(Code::bad_input, named("input", port.value), " of shape ", to_string(shape),
                        " is no batch of 1");
    }
    if (auto set = set_places(port.value, {{}}); !set) {
      return std::move(set).error().with_context(named("input", port.value));
    }
  }
  for (const Node& node : one_.graph.nodes) {
    if (auto passed = pass(node); !passed) return std::move(passed).error().with_context(describe(node));
  }
  if (!one_.rest.empty()) {
    return make_error(Code::bad_input, describe(one_.rest[0]), ": it waits for values that only a run gives");
  }
  for (Port& port : wide_.outputs) {
    if (!carries(port.value)) {
      return make_error(Code::bad_input, named("output", port.value), " is the same for all rows");
    }
    const Shape& shape = one_.shape(port.value);
    if (before(shape, place(port.value)) != 1) {
      return make_error(Code::bad_input, named("output", port.value), " of shape ", to_string(shape),
                        " has the batch on axis ", place(port.value).axis);
    }
    port.value = moved(one_.graph[port.value].name, port.value, {});
  }
  return {};
}

Result<SpecialisedGraph> Rebatch::specialised(std::size_t max_bytes) const {
  std::vector<InputShape> inputs;
  for (const Port& port : one_.graph.inputs) {
    inputs.push_back({*batch_shape(one_.shape(port.value), place(port.value), rows_), one_.info(port.value).type});
  }
  ADZE_TRY(SpecialisedGraph wide, specialise(wide_, inputs, max_bytes));
  for (const Node& node : one_.graph.nodes) {
    for (const ValueId id : node.outputs) {
      if (id == kNoValue || wide.shape(id) == *batch_shape(one_.shape(id), place(id), rows_)) continue;
      return make_error(Code::bad_input, describe(node), ": it gives ", to_string(wide.shape(id)), " for ", rows_,
                        " rows, but ", to_string(one_.shape(id)), " for one");
    }
  }
  return wide;
}

}  // namespace

Result<SpecialisedGraph> rebatch(const SpecialisedGraph& one, std::int64_t rows, std::size_t max_bytes) {
  Rebatch rebatch(one, rows);
  ADZE_CHECK(rebatch.run());
  return rebatch.specialised(max_bytes);
}

namespace {

std::int64_t first_dim(const InputShape& input) { return input.shape.rank() ? input.shape[0] : 0; }

// As rows of the graph for one. REQUIRES: every input has `rows` first.
Result<SpecialisedGraph> specialise_rows(const Graph& graph, std::span<const InputShape> inputs, std::int64_t rows,
                                         std::size_t max_bytes) {
  std::vector<InputShape> one(inputs.begin(), inputs.end());
  for (InputShape& input : one) input.shape[0] = 1;
  ADZE_TRY(const SpecialisedGraph single, specialise(graph, one, max_bytes));
  auto wide = rebatch(single, rows, max_bytes);
  if (!wide) return std::move(wide).error().with_context(concat("runs one row, not ", rows));
  return wide;
}

}  // namespace

Result<SpecialisedGraph> specialise_batch(const Graph& graph, std::span<const InputShape> inputs,
                                          std::size_t max_bytes) {
  ADZE_ASSERT(inputs.size() == graph.inputs.size());
  const auto declared = [&](std::size_t i) {  // 0: nothing about the first dimension
    const auto& dims = graph.inputs[i].dims;
    return dims && !dims->empty() ? dims->front().size : 0;
  };
  bool symbolic = !inputs.empty();
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    symbolic = symbolic && declared(i) == -1 && first_dim(inputs[i]) == first_dim(inputs[0]);
    if (declared(i) == 1 && first_dim(inputs[i]) != 1) rows = first_dim(inputs[i]);
  }
  if (rows == 1) {
    auto whole = specialise(graph, inputs, max_bytes);
    if (whole || !symbolic || first_dim(inputs[0]) <= 1 || whole.error().code == Code::resource_limit) return whole;
    auto by_rows = specialise_rows(graph, inputs, first_dim(inputs[0]), max_bytes);
    return by_rows ? std::move(by_rows) : std::move(whole);
  }
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (first_dim(inputs[i]) == rows && rows > 0) continue;
    return make_error(Code::bad_input, "input \"", graph[graph.inputs[i].value].name, "\" of shape ",
                      to_string(inputs[i].shape), " is no batch of ", std::max<std::int64_t>(rows, 1), " rows");
  }
  return specialise_rows(graph, inputs, rows, max_bytes);
}

}  // namespace adze
