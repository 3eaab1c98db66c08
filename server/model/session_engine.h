// Engine on a session: gathers the jobs' rows into the plan's inputs, scatters its outputs back.
#pragma once

#include "runtime/session.h"
#include "server/batch/engine.h"

namespace adze::server {

class SessionEngine final : public Engine {
 public:
  SessionEngine(std::shared_ptr<const Model> model, int threads, bool batched);
  Result<void> run(std::span<const Part> parts, const CancelFlag& cancel) override;

 private:
  const std::shared_ptr<const Model> model_;
  const bool batched_, proved_;
  Session session_;
  std::vector<Shape> shapes_;
};

}  // namespace adze::server
