// Runs what a plan left over, on the plan's outputs.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "runtime/rest.h"
#include "runtime/session.h"

namespace adze {

// Each graph that a node holds has a session of its own, kept from call to call.
class SessionRunner final : public GraphRunner {
 public:
  SessionRunner(const ModelOptions& options, std::shared_ptr<ThreadPool> pool, std::string name)
      : options_(options), pool_(std::move(pool)), name_(std::move(name)) {}
  void set_cancel(const CancelFlag& cancel) { cancel_ = &cancel; }
  Result<std::vector<Tensor>> run(const Graph& body, std::span<const Tensor> inputs) override;

 private:
  const ModelOptions options_;
  const std::shared_ptr<ThreadPool> pool_;
  const std::string name_;
  const CancelFlag* cancel_ = nullptr;
  std::map<const Graph*, Session> sessions_;
};

class RestRun {
 public:
  RestRun(const Rest& rest, const std::shared_ptr<ThreadPool>& pool);

  // `given`: the plan's outputs, which must stay as they are until the results have been read.
  Result<void> run(std::span<const Tensor> given, const CancelFlag& cancel);
  // Its outputs are those of the whole model.
  Session& session() { return session_; }

 private:
  const Rest& rest_;  // the plan's, which the session that holds this keeps alive
  SessionRunner runner_;
  Session session_;
  std::vector<std::vector<Tensor>> made_;  // by whole nodes
};

}  // namespace adze
