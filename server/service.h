// The service: what requests mean. Inference is decoded on the loop's thread (large bodies on a worker), handed to the
// model's queue at the end of the round, and answered when its batch completes or its deadline passes, whichever is
// first; no thread waits for it. All else goes to the control plane.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "server/batch/deadline_heap.h"
#include "server/codec/inference.h"
#include "server/control/control.h"
#include "server/model/repository.h"
#include "server/net/loop.h"
#include "server/request_log.h"
#include "server/worker.h"

namespace adze::server {

struct ServiceOptions : RepositoryOptions {
  std::chrono::milliseconds deadline{500};
  std::shared_ptr<RequestLog> log;  // may be null
};

class Service final : public Handler {
 public:
  explicit Service(const ServiceOptions& options) : options_(options) {}
  ~Service() override;

  // Begins to load the models; `loaded` is told on another thread when they are ready. The loop must outlive finish().
  void start(Loop& loop, Repository::Answer loaded);
  ConnectionMetrics& connections() { return connections_; }

  // On the loop's thread: readiness turns 503, and the queues stop waiting for company.
  void begin_drain();
  // Completes what the queues hold and lets go of the models; on any thread, after the loop has ended.
  void finish();

  void on_request(ConnectionId id, const Request& request) override;
  std::optional<std::string> refuse_body(const Request& request) override;
  void on_disconnect(ConnectionId id) override;
  void on_round_end(std::size_t partial) override;
  std::optional<Clock::time_point> next_deadline() const override;
  void on_deadline(Clock::time_point now) override;

 private:
  // A request that is being answered.
  struct Pending {
    ConnectionId id;
    InferenceHead head;
    ModelPtr model;
    InferRequest request;
    bool keep_alive;
    Clock::time_point begun, deadline;
    std::atomic<bool> answered = false;  // read by the worker, which then has nothing to do
    std::size_t heap_place = 0;
    Failure why = Failure::other;  // if it fails
    struct Logged {
      std::string traceparent, request_id, error;
      std::size_t bytes_in = 0, bytes_out = 0;
    };
    std::unique_ptr<Logged> logged;  // where there is a log
  };
  using PendingPtr = std::shared_ptr<Pending>;

  ControlSource::Answer no_model(const std::string& name, const std::string& version) const;
  bool route_inference(ConnectionId id, const Request& request);
  bool route_repository(ConnectionId id, const Request& request);  // repository_routes.cpp
  void decode_aside(const PendingPtr& pending, std::shared_ptr<const Body> body);
  void accept(const PendingPtr& pending, Result<InferRequest> decoded);
  void complete(std::span<const JobPtr> jobs, const Batch& batch, ServedModel& model);
  void refuse(const PendingPtr& pending, const Refusal& refusal);
  void answer(const PendingPtr& pending, int status, std::string_view body, std::string_view fields = {});
  void answer_job(const PendingPtr& pending);
  void miss_deadline(const PendingPtr& pending, std::string_view how);
  void send(const PendingPtr& pending, Answer answer);
  void forget(const PendingPtr& pending);
  ControlSource control_source();
  // What is counted of requests (accounting.cpp).
  void count_batch(std::span<const JobPtr> jobs, const Batch& batch, ServedModel& model);
  void count_answer(const Pending& pending, int status);
  void count_cancelled(const Pending& pending);
  void count_deadline(const Pending& pending);
  void log(const Pending& pending, int status) const;
  static Place place_of(const Pending& pending);
  std::string page() const;

  const ServiceOptions options_;
  Loop* loop_ = nullptr;
  std::unique_ptr<Repository> repository_;
  std::size_t most_body_ = 0;  // bytes, decoded
  ConnectionMetrics connections_;
  std::atomic<bool> loaded_{false}, draining_{false};
  Decoder decoder_;
  std::unordered_map<ConnectionId, PendingPtr> pending_;
  std::unordered_map<const Job*, PendingPtr> by_job_;
  DeadlineHeap<Pending> deadlines_;
  std::vector<PendingPtr> submitting_;  // decoded in this round
  std::size_t decoding_ = 0;            // bodies on the worker
  std::unique_ptr<ControlPlane> control_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace adze::server
