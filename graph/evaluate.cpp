#include "graph/evaluate.h"

#include <cstring>
#include <map>

namespace adze {
namespace {

class OwnedConstants final : public PackedConstants {
 public:
  Result<const std::byte*> get(const std::string& key, std::size_t bytes,
                               const std::function<void(std::byte*)>& fill) override {
    auto [entry, is_new] = tensors_.try_emplace(key);
    if (is_new) {
      auto made = Tensor::allocate(DType::u8, {static_cast<std::int64_t>(bytes)});
      fill(made.bytes.data());
      entry->second = made.tensor;
    }
    return entry->second.raw();
  }

 private:
  std::map<std::string, Tensor> tensors_;
};

Result<std::vector<Tensor>> run_step(const Step& step, std::span<const TensorInfo* const> inputs,
                                     std::span<const TensorInfo> outputs, int parts) {
  std::vector<const std::byte*> in;
  for (const TensorInfo* info : inputs) in.push_back(info ? info->value->raw() : nullptr);
  std::vector<Tensor> results;
  std::vector<std::byte*> out;
  for (const TensorInfo& info : outputs) {
    auto made = Tensor::allocate(info.type, info.shape);
    results.push_back(made.tensor);
    out.push_back(made.bytes.data());
  }
  if (step.view) {
    if (!results.empty() && results[0].bytes()) std::memcpy(out[0], in[0], results[0].bytes());
    return results;
  }
  auto scratch = Tensor::allocate(DType::u8, {static_cast<std::int64_t>(step.scratch_bytes)});
  const CancelFlag cancel;
  StepFailure failure;
  for (int part = 0; part < parts; part++) {
    step.run(step.args.get(), Call{in.data(), out.data(), scratch.bytes.data(), {part, parts}, cancel, failure});
  }
  if (failure.message()) return make_error(Code::bad_input, failure.message());
  return results;
}

class Interpreter final : public GraphRunner {
 public:
  Result<std::vector<Tensor>> run(const Graph& body, std::span<const Tensor> inputs) override {
    return interpret(body, inputs);
  }
};

Result<std::vector<Tensor>> evaluate_as_is(const Node& node, std::span<const Tensor* const> inputs,
                                           const EvaluateOptions& options) {
  std::vector<TensorInfo> infos(inputs.size());
  std::vector<const TensorInfo*> pointers(inputs.size(), nullptr);
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!inputs[i]) continue;
    infos[i] = {inputs[i]->type(), inputs[i]->shape(), inputs[i]};
    pointers[i] = &infos[i];
  }
  InferContext infer(node, pointers);
  ADZE_CHECK(node.op->infer(infer));
  OwnedConstants constants;
  PrepareContext prepare(node, pointers, infer.outputs(), options.isa, options.parts, constants);
  ADZE_TRY(const Step step, node.op->prepare(prepare));
  return run_step(step, pointers, infer.outputs(), step.max_parts == 1 ? 1 : options.parts);
}

}  // namespace

std::string describe(const Node& node) { return concat("node \"", node.name, "\" (", node.op->name, ')'); }

Tensor transposed(const Tensor& src, std::span<const int> perm) {
  const int rank = src.shape().rank();
  const auto src_strides = src.shape().strides();
  Shape shape;
  std::array<std::int64_t, kMaxRank> strides{};
  for (int axis = 0; axis < rank; axis++) {
    const int from = perm[static_cast<std::size_t>(axis)];
    shape.push_back(src.shape()[from]);
    strides[static_cast<std::size_t>(axis)] = src_strides[static_cast<std::size_t>(from)];
  }
  auto made = Tensor::allocate(src.type(), shape);
  const std::size_t size = size_of(src.type());
  std::array<std::int64_t, kMaxRank> index{};
  std::int64_t offset = 0;
  for (std::int64_t i = 0, n = src.elements(); i < n; i++) {
    std::memcpy(made.bytes.data() + static_cast<std::size_t>(i) * size,
                src.raw() + static_cast<std::size_t>(offset) * size, size);
    for (int axis = rank - 1; axis >= 0; axis--) {
      const auto a = static_cast<std::size_t>(axis);
      offset += strides[a];
      if (++index[a] < shape[axis]) break;
      offset -= strides[a] * shape[axis];
      index[a] = 0;
    }
  }
  return made.tensor;
}

std::vector<int> to_channels_last(int rank) {
  std::vector<int> perm{0};
  for (int axis = 2; axis < rank; axis++) perm.push_back(axis);
  perm.push_back(1);
  return perm;
}

std::vector<int> from_channels_last(int rank) {
  std::vector<int> perm{0, rank - 1};
  for (int axis = 1; axis < rank - 1; axis++) perm.push_back(axis);
  return perm;
}

Result<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor* const> inputs,
                                     const EvaluateOptions& options) {
  ADZE_CHECK(check_types(*node.op, inputs));
  if (node.op->run_whole) {
    Interpreter interpreter;
    const CancelFlag cancel;
    return node.op->run_whole({node, inputs, interpreter, cancel});
  }
  if (node.op->layout != LayoutRule::channels_last || node.channels_last || !inputs[0] ||
      inputs[0]->shape().rank() < 3) {
    return evaluate_as_is(node, inputs, options);
  }
  Node spatial = node;
  spatial.channels_last = true;
  const Tensor data = transposed(*inputs[0], to_channels_last(inputs[0]->shape().rank()));
  std::vector<const Tensor*> arguments(inputs.begin(), inputs.end());
  arguments[0] = &data;
  ADZE_TRY(std::vector<Tensor> results, evaluate_as_is(spatial, arguments, options));
  for (Tensor& result : results) {
    if (result.shape().rank() >= 3) result = transposed(result, from_channels_last(result.shape().rank()));
  }
  return results;
}

Result<std::vector<Tensor>> interpret(const Graph& graph, std::span<const Tensor> inputs) {
  ADZE_ASSERT(inputs.size() == graph.inputs.size());
  std::vector<std::optional<Tensor>> values;
  for (const Value& value : graph.values) values.push_back(value.constant);
  const auto at = [&](ValueId id) -> std::optional<Tensor>& { return values[static_cast<std::size_t>(id)]; };
  for (std::size_t i = 0; i < inputs.size(); i++) at(graph.inputs[i].value) = inputs[i];
  for (const Node& node : graph.nodes) {
    std::vector<const Tensor*> arguments;
    for (const ValueId id : node.inputs) arguments.push_back(id == kNoValue ? nullptr : &*at(id));
    auto results = evaluate(node, arguments);
    if (!results) return std::move(results).error().with_context(describe(node));
    for (std::size_t i = 0; i < node.outputs.size(); i++) {
      if (node.outputs[i] != kNoValue) at(node.outputs[i]) = std::move((*results)[i]);
    }
  }
  std::vector<Tensor> outputs;
  for (const Port& port : graph.outputs) outputs.push_back(*at(port.value));
  return outputs;
}

}  // namespace adze
