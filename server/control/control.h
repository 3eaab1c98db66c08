// Every route but inference, answered by cpp-httplib on two workers, so that a slow page never delays inference. The
// connection layer hands over a framed and validated request as bytes and gets the response as bytes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/control/paths.h"
#include "server/http/request.h"

namespace adze::server {

// What the pages show; called on the workers, so every function must be thread-safe.
struct ControlSource {
  struct Answer {
    int status = 200;
    std::string body;
  };
  std::function<std::string()> metrics;     // Prometheus text
  std::function<std::string()> page;        // HTML
  std::function<Answer()> server_metadata;  // JSON
  std::function<std::string()> unready;     // why not to send requests now, or empty
  std::function<Answer()> models;
  std::function<Answer(const std::string& model, const std::string& version)> model_metadata;
  std::function<Answer(const std::string& model, const std::string& version)> model_ready;
  std::function<Answer(const std::string& model, const std::string& version)> model_config;
  std::function<Answer(const std::string& model, const std::string& version)> statistics;  // no model: of all
};

class ControlPlane {
 public:
  explicit ControlPlane(ControlSource source);
  ~ControlPlane();

  // Answers on a worker, or at once: `done` gets the whole response. False when too many requests wait already.
  bool handle(const Request& request, std::function<void(std::string response)> done);
  // What it answers, and the inference routes beside it.
  const PathTable& paths() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace adze::server
