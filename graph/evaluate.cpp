#include "graph/evaluate.h"

#include <cstring>
#include <map>

namespace adze {
namespace {

class OwnedConstants final : public PackedConstants {
 public:
  Result<const std::byte*> get(const std::string& key, std::size_t bytes, const Fill& fill) override {
    if (const auto found = tensors_.find(key); found != tensors_.end()) return found->second.raw();
    auto made = Tensor::allocate(DType::u8, {static_cast<std::int64_t>(bytes)});
    ADZE_CHECK(fill(made.bytes.data()));
    return tensors_.emplace(key, made.tensor).first->second.raw();
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

Result<std::vector<Tensor>> evaluate_any(const Node& node, std::span<const Tensor* const> inputs,
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

}  // namespace

std::string describe(const Node& node) { return concat("node \"", node.name, "\" (", node.op->name, ')'); }

Shape permuted(const Shape& shape, std::span<const int> perm) {
  Shape result;
  for (const int axis : perm) result.push_back(shape[axis]);
  return result;
}

void transpose_into(const Tensor& src, std::span<const int> perm, std::byte* dst) {
  const int rank = src.shape().rank();
  const auto src_strides = src.shape().strides();
  const Shape shape = permuted(src.shape(), perm);
  std::array<std::int64_t, kMaxRank> strides{};
  for (int axis = 0; axis < rank; axis++) {
    const auto a = static_cast<std::size_t>(axis);
    strides[a] = src_strides[static_cast<std::size_t>(perm[a])];
  }
  const std::size_t size = size_of(src.type());
  const std::byte* const from = src.raw();
  std::array<std::int64_t, kMaxRank> index{};
  std::int64_t offset = 0;
  for (std::int64_t i = 0, n = src.elements(); i < n; i++, dst += size) {
    std::memcpy(dst, from + static_cast<std::size_t>(offset) * size, size);
    for (int axis = rank - 1; axis >= 0; axis--) {
      const auto a = static_cast<std::size_t>(axis);
      offset += strides[a];
      if (++index[a] < shape[axis]) break;
      offset -= strides[a] * shape[axis];
      index[a] = 0;
    }
  }
}

Tensor transposed(const Tensor& src, std::span<const int> perm) {
  auto made = Tensor::allocate(src.type(), permuted(src.shape(), perm));
  transpose_into(src, perm, made.bytes.data());
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
  auto results = evaluate_any(node, inputs, options);
  for (const Tensor* input : inputs) {
    if (input) ADZE_CHECK(input->status());
  }
  return results;
}

Result<std::vector<Tensor>> interpret(const Graph& graph, std::span<const Tensor> inputs) {
  ADZE_ASSERT(inputs.size() == graph.inputs.size());
  std::vector<std::optional<Tensor>> values;
  for (const Value& value : graph.values) {
    values.push_back(value.constant ? std::optional(value.constant->released()) : std::nullopt);
  }
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
