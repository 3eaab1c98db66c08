// A model as the server sees it: names, types and shapes of one row of a batch, its queue and its metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/session.h"
#include "server/batch/queue.h"
#include "server/metrics.h"

namespace adze::server {

struct ServedPort {
  std::string name;
  DType type = DType::undefined;
  std::vector<std::int64_t> dims;  // as declared, -1 where symbolic; the first is the batch, -1, when `batched`
};

class ServedModel {
 public:
  struct Options : QueueOptions {
    int threads = 1;
    ModelOptions how;
  };

  // Loads, and warms up the plans for batches of one row and of the most rows: of max_batch, or as many as the memory
  // limit leaves room for.
  static Result<std::unique_ptr<ServedModel>> load(const std::string& name, const std::string& path,
                                                   const Options& options, BatchQueue::Done done);

  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  const std::vector<ServedPort>& inputs() const { return inputs_; }
  const std::vector<ServedPort>& outputs() const { return outputs_; }
  // Whether the model runs at any batch (Model::batchable), so that requests can share a run; if not, why.
  bool batched() const { return alone_because_.empty(); }
  const std::string& alone_because() const { return alone_because_; }
  // The most rows of a run, and of a request, which takes several runs if need be.
  std::int64_t max_rows() const { return max_rows_; }
  std::int64_t max_request_rows() const { return max_request_rows_; }
  const Model& model() const { return *model_; }
  std::size_t arena_bytes() const { return arena_bytes_; }
  BatchQueue& queue() { return *queue_; }
  ModelMetrics& metrics() { return metrics_; }

 private:
  ServedModel() = default;

  std::string name_, version_ = "1", alone_because_;
  std::shared_ptr<const Model> model_;
  std::vector<ServedPort> inputs_, outputs_;
  std::int64_t max_rows_ = 1, max_request_rows_ = 1;
  std::size_t arena_bytes_ = 0;
  ModelMetrics metrics_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<BatchQueue> queue_;
};

}  // namespace adze::server
