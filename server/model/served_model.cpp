#include "server/model/served_model.h"

#include <algorithm>

#include "runtime/plan.h"
#include "server/model/session_engine.h"

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

Result<std::unique_ptr<ServedModel>> ServedModel::load(const std::string& name, const std::string& path,
                                                       const Options& options, BatchQueue::Done done) {
  std::unique_ptr<ServedModel> served(new ServedModel);
  served->name_ = name;
  ADZE_TRY(served->model_, Model::load(path, options.how));
  if (const auto batchable = served->model_->batchable(); !batchable)
    served->alone_because_ = batchable.error().message;
  const bool batched = served->batched();
  ADZE_TRY(served->inputs_, served_ports(*served->model_, served->model_->inputs(), batched));
  ADZE_TRY(served->outputs_, served_ports(*served->model_, served->model_->outputs(), batched));
  served->engine_ = std::make_unique<SessionEngine>(served->model_, options.threads, batched);
  const auto warm_up = [&](std::int64_t rows) {
    const JobPtr job = zeros(served->inputs_, batched, rows);
    const CancelFlag cancel;
    const Part whole(job);
    return served->engine_->run({&whole, 1}, cancel);
  };
  std::int64_t most = batched ? options.max_batch : 1;
  auto ran = warm_up(most);
  while (!ran && ran.error().code == Code::resource_limit && most > 1) ran = warm_up(most /= 2);
  if (ran) ran = warm_up(1);
  if (!ran) return std::move(ran).error().with_context(path);
  served->max_rows_ = most;
  ADZE_TRY(const auto shapes, served->model_->default_shapes(most));
  ADZE_TRY(const auto plan, served->model_->plan(shapes, options.threads));
  served->arena_bytes_ = plan->arena_bytes();
  QueueOptions queue = options;
  queue.max_batch = most;
  if (batched) served->max_request_rows_ = std::max(most, queue.max_request_rows);
  served->queue_ = std::make_unique<BatchQueue>(queue, *served->engine_, std::move(done));
  return served;
}

}  // namespace adze::server
