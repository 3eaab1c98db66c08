// Engine on sessions: gathers the jobs' rows into the first plan's inputs, runs the stages one behind the other, each
// on the outputs of those before it, and scatters what the last ones give. A model alone is one stage.
#pragma once

#include <deque>

#include "runtime/session.h"
#include "server/batch/engine.h"
#include "server/model/shared_threads.h"

namespace adze::server {

// Where a stage finds an input: among the job's, or among the outputs of an earlier stage.
struct Source {
  int stage = -1;  // -1: the job
  std::size_t index = 0;
  bool operator==(const Source&) const = default;
};

struct Stage {
  std::shared_ptr<const Model> model;
  std::vector<Source> inputs;  // by the model's inputs
};

class SessionEngine final : public Engine {
 public:
  // `outputs` come from stages. `batched`: jobs of several rows, and several jobs, may share a run.
  SessionEngine(std::vector<Stage> stages, std::vector<Source> outputs, std::shared_ptr<SharedThreads> threads,
                bool batched);
  Result<void> run(std::span<const Part> parts, const CancelFlag& cancel) override;
  // Of the plans that ran last. REQUIRES: a run has succeeded.
  std::size_t arena_bytes() const;

 private:
  Result<void> prepare(std::size_t stage, std::span<const Part> parts, std::int64_t rows);
  Result<void> scatter(std::size_t output, std::span<const Part> parts, std::int64_t rows);
  Result<void> fits(const Model& model, std::size_t i, const Shape& shape) const;
  bool splits(const Source& output, std::int64_t rows) const;

  const std::vector<Stage> stages_;
  const std::vector<Source> outputs_;
  const std::shared_ptr<SharedThreads> threads_;
  const bool batched_;
  std::deque<Session> sessions_;
  std::vector<Shape> shapes_;
};

}  // namespace adze::server
