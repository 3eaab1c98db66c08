// A model as the server sees it, in one version: names, types and shapes of one row of a batch, its engine, its queue
// and its metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/batch/queue.h"
#include "server/metrics.h"
#include "server/model/session_engine.h"

namespace adze::server {

struct ServedPort {
  std::string name;
  DType type = DType::undefined;
  std::vector<std::int64_t> dims;  // as declared, -1 where symbolic; the first is the batch, -1, when `batched`
};

// What a served model runs: one model, or several of which each takes outputs of those before it.
struct Assembly {
  std::vector<Stage> stages;
  std::vector<Source> results;  // by output
  std::vector<ServedPort> inputs, outputs;
  std::string alone_because;  // empty: requests may share runs

  static Result<Assembly> of(std::shared_ptr<const Model> model);
};

class ServedModel {
 public:
  struct Options : QueueOptions {
    std::vector<std::int64_t> warm_up =
        {};           // batches that are run before the model is ready, besides 1 and the largest
    int threads = 1;  // of all models together
    ModelOptions how;
  };
  // What BatchQueue::Done is, and of which model.
  using Complete = std::function<void(std::span<const JobPtr>, const Batch&, ServedModel&)>;
  struct Identity {
    std::string name, version = "1";
  };

  // Warms up the plans for batches of one row, of the most rows, and of the listed ones: the most are max_batch, or as
  // many as the memory limit leaves room for.
  static Result<std::unique_ptr<ServedModel>> create(const Identity& identity, Assembly assembly,
                                                     const Options& options, std::shared_ptr<SharedThreads> threads,
                                                     std::shared_ptr<ModelMetrics> metrics, Complete complete);
  static Result<std::unique_ptr<ServedModel>> load(const Identity& identity, const std::string& path,
                                                   const Options& options, std::shared_ptr<SharedThreads> threads,
                                                   std::shared_ptr<ModelMetrics> metrics, Complete complete);

  const std::string& name() const { return identity_.name; }
  const std::string& version() const { return identity_.version; }
  const std::vector<ServedPort>& inputs() const { return assembly_.inputs; }
  const std::vector<ServedPort>& outputs() const { return assembly_.outputs; }
  const Assembly& assembly() const { return assembly_; }
  // Whether the model runs at any batch (Model::batchable), so that requests can share a run; if not, why.
  bool batched() const { return assembly_.alone_because.empty(); }
  const std::string& alone_because() const { return assembly_.alone_because; }
  // The most rows of a run, and of a request, which takes several runs if need be.
  std::int64_t max_rows() const { return max_rows_; }
  std::int64_t max_request_rows() const { return max_request_rows_; }
  const Options& options() const { return options_; }
  std::size_t arena_bytes() const { return arena_bytes_; }
  std::size_t weight_bytes() const;
  BatchQueue& queue() { return *queue_; }
  ModelMetrics& metrics() { return *metrics_; }

 private:
  ServedModel() = default;
  Result<void> warm_up(std::int64_t rows);

  Identity identity_;
  Assembly assembly_;
  std::int64_t max_rows_ = 1, max_request_rows_ = 1;
  Options options_;
  std::size_t arena_bytes_ = 0;
  std::shared_ptr<ModelMetrics> metrics_;
  std::unique_ptr<SessionEngine> engine_;
  std::unique_ptr<BatchQueue> queue_;  // last: its thread uses the others
};

// Whoever holds one keeps the version alive; the last one to let go doesn't wait for its end.
using ModelPtr = std::shared_ptr<ServedModel>;

}  // namespace adze::server
