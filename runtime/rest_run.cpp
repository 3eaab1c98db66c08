#include "runtime/rest_run.h"

#include "graph/evaluate.h"

namespace adze {

Result<std::vector<Tensor>> SessionRunner::run(const Graph& body, std::span<const Tensor> inputs) {
  auto found = sessions_.find(&body);
  if (found == sessions_.end()) {
    ADZE_TRY(auto model, Model::body(body, name_, options_));
    found = sessions_.emplace(&body, Session(std::move(model), pool_)).first;
  }
  Session& session = found->second;
  std::vector<InputShape> shapes;
  for (const Tensor& input : inputs) shapes.push_back({input.shape(), input.type()});
  ADZE_CHECK(session.reshape(shapes));
  for (std::size_t i = 0; i < inputs.size(); i++) session.bind_input(static_cast<int>(i), inputs[i].raw());
  ADZE_CHECK(session.run(*cancel_));
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < body.outputs.size(); i++) {
    const TensorInfo& info = session.output_info(static_cast<int>(i));
    const auto bytes = session.output(static_cast<int>(i));
    auto copy = Tensor::allocate(info.type, info.shape);
    std::copy(bytes.begin(), bytes.end(), copy.bytes.begin());
    outputs.push_back(std::move(copy.tensor));
  }
  return outputs;
}

RestRun::RestRun(const Rest& rest, const std::shared_ptr<ThreadPool>& pool)
    : rest_(rest), runner_(rest.model->options(), pool, rest.model->name()), session_(rest.model, pool) {}

Result<void> RestRun::run(std::span<const Tensor> given, const CancelFlag& cancel) {
  runner_.set_cancel(cancel);
  made_.clear();
  const auto tensor_of = [&](const Rest::Source& source) -> const Tensor* {
    if (source.constant) return &*source.constant;
    const auto index = static_cast<std::size_t>(source.index);
    if (source.node >= 0) return &made_[static_cast<std::size_t>(source.node)][index];
    return source.index >= 0 ? &given[index] : nullptr;
  };
  for (const Rest::Whole& whole : rest_.whole) {
    std::vector<const Tensor*> inputs;
    for (const Rest::Source& source : whole.inputs) inputs.push_back(tensor_of(source));
    if (auto checked = check_types(*whole.node.op, inputs); !checked) {
      return std::move(checked).error().with_context(describe(whole.node));
    }
    auto results = whole.node.op->run_whole({whole.node, inputs, runner_, cancel});
    if (!results) return std::move(results).error().with_context(describe(whole.node));
    made_.push_back(*std::move(results));
  }
  std::vector<InputShape> shapes;
  std::vector<const Tensor*> tensors;
  for (const Rest::Input& input : rest_.inputs) {
    const Tensor& tensor = *tensor_of(input.source);
    tensors.push_back(&tensor);
    shapes.push_back({tensor.shape(), tensor.type()});
    if (!input.content) continue;
    auto copy = Tensor::allocate(tensor.type(), tensor.shape());
    std::copy_n(tensor.raw(), tensor.bytes(), copy.bytes.data());
    shapes.back().content = std::move(copy.tensor);
  }
  ADZE_CHECK(session_.reshape(shapes));
  for (std::size_t i = 0; i < tensors.size(); i++) session_.bind_input(static_cast<int>(i), tensors[i]->raw());
  return session_.run(cancel);
}

}  // namespace adze
