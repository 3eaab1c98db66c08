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
  std::vector<std::int64_t> dims;  // as declared, -1 where symbolic; with the batch dimension when `batched`
};

class ServedModel {
 public:
  struct Options {
    std::int64_t max_batch = 64;
    std::chrono::microseconds max_delay{200};
    std::size_t queue_limit = 1024;
    int threads = 1;
  };

  // Loads, and warms up the plans for batches of one row and of the most rows.
  static Result<std::unique_ptr<ServedModel>> load(const std::string& name, const std::string& path,
                                                   const Options& options, BatchQueue::Done done);

  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  const std::vector<ServedPort>& inputs() const { return inputs_; }
  const std::vector<ServedPort>& outputs() const { return outputs_; }
  // Whether the first dimension of every input is a symbolic batch, so that requests can share a run.
  bool batched() const { return batched_; }
  const Model& model() const { return *model_; }
  std::size_t arena_bytes() const { return arena_bytes_; }
  BatchQueue& queue() { return *queue_; }
  ModelMetrics& metrics() { return metrics_; }

 private:
  ServedModel() = default;

  std::string name_, version_ = "1";
  std::shared_ptr<const Model> model_;
  std::vector<ServedPort> inputs_, outputs_;
  bool batched_ = false;
  std::size_t arena_bytes_ = 0;
  ModelMetrics metrics_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<BatchQueue> queue_;
};

}  // namespace adze::server
