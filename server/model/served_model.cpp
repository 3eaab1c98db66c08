#include "server/model/served_model.h"

#include <algorithm>
#include <set>

namespace adze::server {
namespace {

Result<std::vector<ServedPort>> served_ports(const Model& model, const std::vector<Port>& ports, bool batched) {
  std::vector<ServedPort> result;
  for (const Port& port : ports) {
    if (oip_name_of(port.type).empty()) {
      return make_error(Code::unsupported, model.name(), ": \"", model.value_name(port), "\" of type ",
                        name_of(port.type), " can't be served: the Open Inference Protocol has no name for it");
    }
    ServedPort served{model.value_name(port), port.type, {}};
    if (port.dims) {
      for (const Dim& dim : *port.dims) served.dims.push_back(dim.size);
    }
    if (batched && !served.dims.empty()) served.dims[0] = -1;
    result.push_back(std::move(served));
  }
  return result;
}

// A job of zeros with the smallest shapes: what warming up runs.
JobPtr zeros(const std::vector<ServedPort>& inputs, bool batched, std::int64_t rows) {
  auto job = std::make_shared<Job>();
  job->rows = rows;
  for (const ServedPort& port : inputs) {
    Shape shape;
    for (std::size_t i = batched ? 1 : 0; i < port.dims.size(); i++)
      shape.push_back(port.dims[i] < 0 ? 1 : port.dims[i]);
    job->inputs.emplace_back(static_cast<std::size_t>(shape.elements() * rows) * size_of(port.type));
    job->row_shapes.push_back(shape);
  }
  return job;
}

}  // namespace

Result<Assembly> Assembly::of(std::shared_ptr<const Model> model) {
  Assembly assembly;
  if (const auto batchable = model->batchable(); !batchable) assembly.alone_because = batchable.error().message;
  const bool batched = assembly.alone_because.empty();
  ADZE_TRY(assembly.inputs, served_ports(*model, model->inputs(), batched));
  ADZE_TRY(assembly.outputs, served_ports(*model, model->outputs(), batched));
  Stage stage{std::move(model), {}};
  for (std::size_t i = 0; i < assembly.inputs.size(); i++) stage.inputs.push_back({-1, i});
  for (std::size_t i = 0; i < assembly.outputs.size(); i++) assembly.results.push_back({0, i});
  assembly.stages.push_back(std::move(stage));
  return assembly;
}

Result<void> ServedModel::warm_up(std::int64_t rows) {
  const JobPtr job = zeros(inputs(), batched(), rows);
  const CancelFlag cancel;
  const Part whole(job);
  return engine_->run({&whole, 1}, cancel);
}

Result<std::unique_ptr<ServedModel>> ServedModel::create(const Identity& identity, Assembly assembly,
                                                         const Options& options, std::shared_ptr<SharedThreads> threads,
                                                         std::shared_ptr<ModelMetrics> metrics, Complete complete) {
  std::unique_ptr<ServedModel> served(new ServedModel);
  served->identity_ = identity;
  served->assembly_ = std::move(assembly);
  served->metrics_ = std::move(metrics);
  const bool batched = served->batched();
  served->engine_ =
      std::make_unique<SessionEngine>(served->assembly_.stages, served->assembly_.results, std::move(threads), batched);
  std::int64_t most = batched ? options.max_batch : 1;
  auto ran = served->warm_up(most);
  while (!ran && ran.error().code == Code::resource_limit && most > 1) ran = served->warm_up(most /= 2);
  ADZE_CHECK(std::move(ran));
  served->max_rows_ = most;
  served->arena_bytes_ = served->engine_->arena_bytes();
  for (const std::int64_t rows : options.warm_up) {
    if (rows < most) ADZE_CHECK(served->warm_up(rows));
  }
  ADZE_CHECK(served->warm_up(1));
  served->options_ = options;
  served->options_.max_batch = most;
  if (batched) served->max_request_rows_ = std::max(most, options.max_request_rows);
  served->queue_ = std::make_unique<BatchQueue>(
      served->options_, *served->engine_,
      [raw = served.get(), complete = std::move(complete)](std::span<const JobPtr> jobs, const Batch& batch) {
        complete(jobs, batch, *raw);
      });
  return served;
}

Result<std::unique_ptr<ServedModel>> ServedModel::load(const Identity& identity, const std::string& path,
                                                       const Options& options, std::shared_ptr<SharedThreads> threads,
                                                       std::shared_ptr<ModelMetrics> metrics, Complete complete) {
  ADZE_TRY(auto model, Model::load(path, options.how));
  ADZE_TRY(Assembly assembly, Assembly::of(std::move(model)));
  auto served =
      create(identity, std::move(assembly), options, std::move(threads), std::move(metrics), std::move(complete));
  if (!served) return std::move(served).error().with_context(path);
  return served;
}

std::size_t ServedModel::weight_bytes() const {
  std::set<const Model*> models;
  for (const Stage& stage : assembly_.stages) models.insert(stage.model.get());
  std::size_t bytes = 0;
  for (const Model* model : models) bytes += model->weight_bytes();
  return bytes;
}

}  // namespace adze::server
