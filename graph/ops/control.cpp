// If, Loop and Scan. Their bodies see values of the graph around them: the node takes those as further inputs, and
// Graph::captured says which (graph/graph.h).
#include <algorithm>
#include <cstring>

#include "graph/axis.h"

namespace adze {
namespace {

// The body's inputs: the given ones, then those from around the node.
std::vector<Tensor> with_captured(const WholeCall& call, const Graph& body, std::vector<Tensor> formal) {
  for (const int i : body.captured) formal.push_back(call.in(i));
  return formal;
}

std::size_t formal_inputs(const Graph& body) { return body.inputs.size() - body.captured.size(); }

Result<bool> truth(const Tensor& tensor) {
  if (tensor.type() != DType::boolean || tensor.elements() != 1) {
    return make_error(Code::invalid_model, "a condition must be a single bool");
  }
  return tensor.as<bool>()[0];
}

Result<void> check_body(const Graph& body, std::size_t inputs, std::size_t least_outputs) {
  if (formal_inputs(body) == inputs && body.outputs.size() >= least_outputs) return {};
  return make_error(Code::invalid_model, "its body takes ", formal_inputs(body), " inputs and gives ",
                    body.outputs.size(), " outputs, which doesn't fit the node's");
}

// Element `index` along `axis`, which the result doesn't have.
Tensor take(const Tensor& src, int axis, std::int64_t index) {
  Shape shape;
  for (int i = 0; i < src.shape().rank(); i++) {
    if (i != axis) shape.push_back(src.shape()[i]);
  }
  auto made = Tensor::allocate(src.type(), shape);
  const auto outer = src.shape().elements(0, axis), count = src.shape()[axis];
  const auto inner = static_cast<std::size_t>(src.shape().elements(axis + 1, src.shape().rank())) * size_of(src.type());
  for (std::int64_t o = 0; o < outer && inner > 0; o++) {
    std::memcpy(made.bytes.data() + static_cast<std::size_t>(o) * inner,
                src.raw() + static_cast<std::size_t>(o * count + index) * inner, inner);
  }
  return made.tensor;
}

// The opposite: equal shapes, along a new axis.
Result<Tensor> stack(const std::vector<Tensor>& parts, std::int64_t at) {
  const Shape& one = parts[0].shape();
  const auto axis = normalise_axis(at, one.rank() + 1);
  if (!axis || one.rank() == kMaxRank) return make_error(Code::invalid_model, "axis ", at, " is out of range");
  Shape shape;
  for (int i = 0; i <= one.rank(); i++) {
    if (i == *axis) shape.push_back(static_cast<std::int64_t>(parts.size()));
    if (i < one.rank()) shape.push_back(one[i]);
  }
  auto made = Tensor::allocate(parts[0].type(), shape);
  const auto outer = static_cast<std::size_t>(one.elements(0, *axis));
  const std::size_t inner = outer ? parts[0].bytes() / outer : 0;
  for (std::size_t p = 0; p < parts.size(); p++) {
    if (parts[p].shape() != one || parts[p].type() != parts[0].type()) {
      return make_error(Code::bad_input, "an iteration gives shape ", to_string(parts[p].shape()), ", another ",
                        to_string(one));
    }
    for (std::size_t o = 0; o < outer && inner > 0; o++) {
      std::memcpy(made.bytes.data() + (o * parts.size() + p) * inner, parts[p].raw() + o * inner, inner);
    }
  }
  return made.tensor;
}

// What an output that is stacked looks like after no iteration at all.
Tensor empty_stack(const Port& port) {
  Shape shape = {0};
  for (std::size_t i = 0; port.dims && i < port.dims->size() && shape.rank() < kMaxRank; i++) {
    shape.push_back(std::max<std::int64_t>((*port.dims)[i].size, 0));
  }
  return Tensor::allocate(port.type == DType::undefined ? DType::f32 : port.type, shape).tensor;
}

Result<std::vector<Tensor>> run_if(const WholeCall& call) {
  ADZE_TRY(const bool condition, truth(call.in(0)));
  const Graph& body = *call.node.attributes.graph(condition ? "then_branch" : "else_branch");
  ADZE_CHECK(check_body(body, 0, call.node.outputs.size()));
  return call.graphs.run(body, with_captured(call, body, {}));
}

Result<std::vector<Tensor>> run_loop(const WholeCall& call) {
  const Graph& body = *call.node.attributes.graph("body");
  const std::size_t states = formal_inputs(body) < 2 ? 0 : formal_inputs(body) - 2;
  if (states + 2 > call.inputs.size()) return make_error(Code::invalid_model, "its body takes more than it is given");
  ADZE_CHECK(check_body(body, states + 2, states + 1));
  std::int64_t trips = std::numeric_limits<std::int64_t>::max();
  if (call.has(0)) {
    if (call.in(0).type() != DType::i64 || call.in(0).elements() != 1) {
      return make_error(Code::invalid_model, "the trip count must be a single int64");
    }
    trips = call.in(0).as<std::int64_t>()[0];
  }
  bool go_on = true;
  if (call.has(1)) {
    ADZE_TRY(go_on, truth(call.in(1)));
  }
  std::vector<Tensor> state;
  for (std::size_t i = 0; i < states; i++) state.push_back(call.in(static_cast<int>(i) + 2));
  std::vector<std::vector<Tensor>> stacked(body.outputs.size() - 1 - states);
  for (std::int64_t trip = 0; trip < trips && go_on; trip++) {
    if (call.cancel.requested()) return make_error(Code::cancelled, "cancelled");
    std::vector<Tensor> inputs = {Tensor::from<std::int64_t>({}, std::span(&trip, 1)),
                                  Tensor::from<bool>({}, std::span(&go_on, 1))};
    inputs.insert(inputs.end(), state.begin(), state.end());
    ADZE_TRY(std::vector<Tensor> outputs, call.graphs.run(body, with_captured(call, body, std::move(inputs))));
    ADZE_TRY(go_on, truth(outputs[0]));
    for (std::size_t i = 0; i < states; i++) state[i] = std::move(outputs[i + 1]);
    for (std::size_t i = 0; i < stacked.size(); i++) stacked[i].push_back(std::move(outputs[1 + states + i]));
  }
  std::vector<Tensor> results = std::move(state);
  for (std::size_t i = 0; i < stacked.size(); i++) {
    if (stacked[i].empty()) {
      results.push_back(empty_stack(body.outputs[1 + states + i]));
      continue;
    }
    ADZE_TRY(Tensor whole, stack(stacked[i], 0));
    results.push_back(std::move(whole));
  }
  if (results.size() < call.node.outputs.size()) return make_error(Code::invalid_model, "its body gives too little");
  return results;
}

std::int64_t entry(const std::vector<std::int64_t>& values, std::size_t i) { return i < values.size() ? values[i] : 0; }

// States and scanned inputs without a batch, as since version 9.
Result<std::vector<Tensor>> scan(const WholeCall& call, const Graph& body, std::vector<Tensor> state,
                                 const std::vector<Tensor>& scanned, const std::vector<std::int64_t>& reversed,
                                 std::optional<std::int64_t> limit) {
  const Attributes& attributes = call.node.attributes;
  const auto in_axes = attributes.integers("scan_input_axes"), out_axes = attributes.integers("scan_output_axes");
  const auto out_reversed = attributes.integers("scan_output_directions");
  const std::size_t states = state.size();
  std::vector<int> axes;
  std::int64_t length = limit.value_or(-1);
  for (std::size_t i = 0; i < scanned.size(); i++) {
    const auto axis = normalise_axis(entry(in_axes, i), scanned[i].shape().rank());
    if (!axis) return make_error(Code::invalid_model, "scan_input_axes is out of range");
    axes.push_back(*axis);
    const std::int64_t size = scanned[i].shape()[*axis];
    if (length < 0) length = size;
    if (limit ? size < length : size != length) return make_error(Code::bad_input, "scanned inputs differ in length");
  }
  std::vector<std::vector<Tensor>> stacked(body.outputs.size() - states);
  for (std::int64_t trip = 0; trip < length; trip++) {
    if (call.cancel.requested()) return make_error(Code::cancelled, "cancelled");
    std::vector<Tensor> inputs = state;
    for (std::size_t i = 0; i < scanned.size(); i++) {
      inputs.push_back(take(scanned[i], axes[i], entry(reversed, i) ? length - 1 - trip : trip));
    }
    ADZE_TRY(std::vector<Tensor> outputs, call.graphs.run(body, with_captured(call, body, std::move(inputs))));
    for (std::size_t i = 0; i < states; i++) state[i] = std::move(outputs[i]);
    for (std::size_t i = 0; i < stacked.size(); i++) stacked[i].push_back(std::move(outputs[states + i]));
  }
  std::vector<Tensor> results = std::move(state);
  for (std::size_t i = 0; i < stacked.size(); i++) {
    if (stacked[i].empty()) {
      results.push_back(empty_stack(body.outputs[states + i]));
      continue;
    }
    if (entry(out_reversed, i)) std::reverse(stacked[i].begin(), stacked[i].end());
    ADZE_TRY(Tensor whole, stack(stacked[i], entry(out_axes, i)));
    results.push_back(std::move(whole));
  }
  return results;
}

// What the rows of a batch stacked, each zero-padded behind its own length. A row that doesn't fit the others stays.
void pad_to(std::int64_t length, std::vector<Tensor>& rows) {
  const auto has_some = [](const Tensor& row) { return row.shape()[0] > 0; };
  const auto model = std::ranges::find_if(rows, has_some);
  const DType type = (model == rows.end() ? rows[0] : *model).type();
  Shape shape = (model == rows.end() ? rows[0] : *model).shape();
  shape[0] = length;
  for (Tensor& row : rows) {
    Shape own = row.shape();
    own[0] = length;
    if (has_some(row) && (own != shape || row.type() != type)) continue;
    auto made = Tensor::allocate(type, shape);
    if (has_some(row)) std::copy_n(row.raw(), row.bytes(), made.bytes.data());
    row = std::move(made.tensor);
  }
}

// Version 8: every state and scanned input has a batch as its first axis, and each of its rows its own length.
Result<std::vector<Tensor>> scan_batch(const WholeCall& call, const Graph& body, std::size_t states) {
  std::vector<Tensor> data;
  for (std::size_t i = 0; i < formal_inputs(body); i++) data.push_back(call.in(static_cast<int>(i) + 1));
  for (const Tensor& tensor : data) {
    if (tensor.shape().rank() < 1 || tensor.shape()[0] != data[0].shape()[0]) {
      return make_error(Code::bad_input, "states and scanned inputs differ in their batch");
    }
  }
  const std::int64_t batch = data[0].shape()[0];
  if (call.has(0) && (call.in(0).type() != DType::i64 || call.in(0).elements() != batch)) {
    return make_error(Code::bad_input, "sequence_lens doesn't fit the batch");
  }
  std::vector<std::vector<Tensor>> rows(body.outputs.size());
  for (std::int64_t b = 0; b < batch; b++) {
    std::vector<Tensor> state, scanned;
    for (std::size_t i = 0; i < data.size(); i++) (i < states ? state : scanned).push_back(take(data[i], 0, b));
    std::optional<std::int64_t> limit;
    if (call.has(0)) limit = call.in(0).as<std::int64_t>()[static_cast<std::size_t>(b)];
    if (limit && *limit < 0) return make_error(Code::bad_input, "a sequence length is negative");
    ADZE_TRY(std::vector<Tensor> results,
             scan(call, body, std::move(state), scanned, call.node.attributes.integers("directions"), limit));
    for (std::size_t i = 0; i < results.size(); i++) rows[i].push_back(std::move(results[i]));
  }
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < rows.size(); i++) {
    if (rows[i].empty()) return make_error(Code::unsupported, "the batch is empty");
    if (call.has(0) && i >= states) pad_to(data[states].shape()[1], rows[i]);
    ADZE_TRY(Tensor whole, stack(rows[i], 0));
    results.push_back(std::move(whole));
  }
  return results;
}

Result<std::vector<Tensor>> run_scan(const WholeCall& call) {
  const Graph& body = *call.node.attributes.graph("body");
  const auto scanned = static_cast<std::size_t>(call.node.attributes.integer("num_scan_inputs", 1));
  const std::size_t first = call.node.version == 8 ? 1 : 0, formal = formal_inputs(body);
  if (formal < scanned || formal + first > call.inputs.size()) {
    return make_error(Code::invalid_model, "its body doesn't fit the node's inputs");
  }
  ADZE_CHECK(check_body(body, formal, std::max(formal - scanned, call.node.outputs.size())));
  for (std::size_t i = 0; i < formal; i++) {
    if (!call.has(static_cast<int>(i + first))) return make_error(Code::invalid_model, "an input is left out");
  }
  if (first) return scan_batch(call, body, formal - scanned);
  std::vector<Tensor> state, data;
  for (std::size_t i = 0; i < formal; i++) {
    (i < formal - scanned ? state : data).push_back(call.in(static_cast<int>(i)));
  }
  return scan(call, body, std::move(state), data, call.node.attributes.integers("scan_input_directions"), {});
}

DType by_body(const Node&, std::span<const DType>, int) { return DType::undefined; }

constexpr int kIf[] = {1, 11, 13, 16, 19, 21, 23, 24, 25}, kScan[] = {8, 9, 11, 16, 19, 21, 23, 24, 25};
constexpr TypeMask kIfTypes[] = {types(DType::boolean), kStored};
constexpr TypeMask kLoopTypes[] = {types(DType::i64), types(DType::boolean), kStored};
constexpr TypeMask kScanTypes[] = {kStored};
constexpr AttrSpec kIfAttributes[] = {{"then_branch", AttrKind::graph, true}, {"else_branch", AttrKind::graph, true}};
constexpr AttrSpec kLoopAttributes[] = {{"body", AttrKind::graph, true}};
constexpr AttrSpec kScanAttributes[] = {{"body", AttrKind::graph, true},
                                        {"num_scan_inputs", AttrKind::integer, true, 1, 1 << 20},
                                        {"directions", AttrKind::integers, false, 0, 1},
                                        {"scan_input_axes", AttrKind::integers},
                                        {"scan_input_directions", AttrKind::integers, false, 0, 1},
                                        {"scan_output_axes", AttrKind::integers},
                                        {"scan_output_directions", AttrKind::integers, false, 0, 1}};

constexpr OpDef kOps[] = {{.name = "If",
                           .versions = kIf,
                           .attributes = kIfAttributes,
                           .inputs = {1, 1},
                           .outputs = {1, kVariadic},
                           .input_types = kIfTypes,
                           .output_type = by_body,
                           .run_whole = run_if},
                          {.name = "Loop",
                           .versions = kIf,
                           .attributes = kLoopAttributes,
                           .inputs = {0, kVariadic},
                           .outputs = {1, kVariadic},
                           .input_types = kLoopTypes,
                           .output_type = by_body,
                           .run_whole = run_loop},
                          {.name = "Scan",
                           .versions = kScan,
                           .attributes = kScanAttributes,
                           .inputs = {0, kVariadic},
                           .outputs = {1, kVariadic},
                           .input_types = kScanTypes,
                           .own_type = ~0u,
                           .output_type = by_body,
                           .run_whole = run_scan}};

}  // namespace
extern const std::span<const OpDef> ops_control;
constinit const std::span<const OpDef> ops_control{kOps};

}  // namespace adze
