#include "graph/op.h"

#include <algorithm>
#include <cstring>

namespace adze {

InferContext::InferContext(const Node& the_node, std::span<const TensorInfo* const> inputs)
    : node(the_node), inputs_(inputs), outputs_(the_node.outputs.size()), values_(the_node.outputs.size()) {
  std::vector<DType> input_types;
  for (const TensorInfo* input : inputs) input_types.push_back(input ? input->type : DType::undefined);
  for (int i = 0; i < output_count(); i++)
    outputs_[static_cast<std::size_t>(i)].type = output_type(node, input_types, i);
}

Result<const Tensor*> InferContext::known(int i) const {
  if (in(i).value) return in(i).value;
  missing_ |= 1u << i;
  return make_error(Code::unsupported, "input ", i, " decides a shape, so it must be known before the model runs");
}

Result<std::vector<std::int64_t>> InferContext::ints(int i) const {
  ADZE_TRY(const Tensor* const tensor, known(i));
  return tensor->to_ints();
}

PrepareContext::PrepareContext(const Node& the_node, std::span<const TensorInfo* const> inputs,
                               std::span<const TensorInfo> outputs, Isa the_isa, int the_threads,
                               PackedConstants& constants, const Choice& choice)
    : node(the_node),
      isa(std::min(the_isa, choice.isa.value_or(the_isa))),
      threads(the_threads),
      order(choice.order),
      inputs_(inputs),
      outputs_(outputs),
      constants_(constants) {}

namespace {

// FNV-1a over eight bytes at a time: names the content of constants that only one plan knows.
std::uint64_t content_hash(const Tensor& tensor) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3u; };
  const std::size_t bytes = tensor.bytes();
  for (std::size_t i = 0; i < bytes; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, tensor.raw() + i, std::min(sizeof word, bytes - i));
    mix(word);
    mix(word >> 32);
  }
  for (const std::int64_t dim : tensor.shape()) mix(static_cast<std::uint64_t>(dim));
  return hash;
}

}  // namespace

Result<const std::byte*> PrepareContext::pack(int i, std::string_view format, std::size_t bytes,
                                              const std::function<void(std::byte*)>& fill) const {
  ADZE_ASSERT(in(i).value);
  const std::string source = in(i).constant_id ? concat('v', in(i).constant_id)
                                               : concat('h', content_hash(*in(i).value), ',', to_string(in(i).shape));
  return constants_.get(concat(source, ':', format, ':', bytes), bytes, [&](std::byte* out) -> Result<void> {
    fill(out);
    for (const TensorInfo* input : inputs_) {
      if (input && input->value) ADZE_CHECK(input->value->status());
    }
    return {};
  });
}

TypeMask allowed_types(const OpDef& op, std::size_t i) {
  return op.input_types.empty() ? 0 : op.input_types[std::min(i, op.input_types.size() - 1)];
}

Result<void> check_type(const OpDef& op, std::span<const DType> types, std::size_t i) {
  if (types[i] == DType::undefined) return {};
  if (!(allowed_types(op, i) & mask_of(types[i]))) {
    return make_error(Code::unsupported, "input ", i, " of type ", name_of(types[i]), " is not supported");
  }
  const bool free = op.own_type >> std::min<std::size_t>(i, 31) & 1;
  if (free || types[0] == types[i] || types[0] == DType::undefined || allowed_types(op, i) != allowed_types(op, 0)) {
    return {};
  }
  return make_error(Code::invalid_model, "input ", i, " is of type ", name_of(types[i]), ", input 0 of ",
                    name_of(types[0]));
}

namespace {

Result<void> check_all(const OpDef& op, std::span<const DType> types) {
  for (std::size_t i = 0; i < types.size(); i++) ADZE_CHECK(check_type(op, types, i));
  return {};
}

}  // namespace

Result<void> check_types(const OpDef& op, std::span<const TensorInfo* const> inputs) {
  std::vector<DType> types;
  for (const TensorInfo* input : inputs) types.push_back(input ? input->type : DType::undefined);
  return check_all(op, types);
}

Result<void> check_types(const OpDef& op, std::span<const Tensor* const> inputs) {
  std::vector<DType> types;
  for (const Tensor* input : inputs) types.push_back(input ? input->type() : DType::undefined);
  return check_all(op, types);
}

DType output_type(const Node& node, std::span<const DType> inputs, int i) {
  if (node.op->output_type) return node.op->output_type(node, inputs, i);
  return inputs.empty() ? DType::undefined : inputs[0];
}

}  // namespace adze
