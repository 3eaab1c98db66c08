#include "server/service.h"

#include "server/http/response.h"

namespace adze::server {
namespace {

// Larger bodies are kept instead of copied out of their connection's buffer.
constexpr std::size_t kCopied = 64 << 10;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::string no_such_model(const InferenceHead& head, bool other_versions) {
  if (other_versions) return concat("the model \"", head.model, "\" has no version ", head.version);
  return concat("there is no model \"", head.model, '"');
}

}  // namespace

Service::~Service() { finish(); }

Result<void> Service::load() {
  for (const auto& [name, path] : options_.models) {
    if (find_model(name, {})) return make_error(Code::bad_input, "two models are named \"", name, '"');
    const std::size_t index = models_.size();
    ADZE_TRY(auto model, ServedModel::load(name, path, options_.model,
                                           [this, index](std::span<const JobPtr> jobs, const Batch& batch) {
                                             complete(jobs, batch, *models_[index]);
                                           }));
    if (!model->batched() && options_.note) {
      options_.note(concat("requests to \"", name, "\" don't share runs: ", model->alone_because()));
    }
    models_.push_back(std::move(model));
  }
  if (models_.empty()) return make_error(Code::bad_input, "no model to serve");
  return {};
}

void Service::attach(Loop& loop) {
  loop_ = &loop;
  most_body_ = loop.limits().body_bytes;
  worker_ = std::make_unique<Worker>();
  control_ = std::make_unique<ControlPlane>(control_source());
}

ServedModel* Service::find_model(std::string_view name, std::string_view version) const {
  for (const auto& model : models_) {
    if (model->name() == name && (version.empty() || model->version() == version)) return model.get();
  }
  return nullptr;
}

void Service::on_request(ConnectionId id, const Request& request) {
  if (request.method == "POST" && route_inference(id, request)) return;
  const bool close = !request.keep_alive;
  const bool taken = control_->handle(request, [this, id, close](std::string response) {
    loop_->post([this, id, close, response = std::move(response)]() mutable {
      loop_->respond(id, std::move(response), close);
    });
  });
  if (taken) return;
  std::string out;
  write_response(out, 503, kJson, error_json("too many requests are waiting"), request.keep_alive);
  if (request.method == "HEAD") out.resize(out.find("\r\n\r\n") + 4);
  loop_->respond(id, std::move(out), close);
}

bool Service::route_inference(ConnectionId id, const Request& request) {
  auto head = inference_head(request);
  if (!head) return false;
  auto pending = std::make_shared<Pending>();
  pending->id = id;
  pending->head = *std::move(head);
  pending->keep_alive = request.keep_alive;
  pending->begun = Clock::now();
  pending->deadline = pending->begun + options_.deadline;
  const InferenceHead& wanted = pending->head;
  pending->model = wanted.route == Route::predict ? models_.front().get() : find_model(wanted.model, wanted.version);
  pending_.emplace(id, pending);
  deadlines_.push(*pending);
  if (!pending->model) {
    answer(pending, 404, error_json(no_such_model(wanted, find_model(wanted.model, {}))));
    return true;
  }
  if (wanted.refusal) {
    answer(pending, wanted.refusal, error_json(wanted.reason), wanted.refusal_fields);
    return true;
  }
  const bool is_long = is_long_body(wanted, request.body.size());
  if (!is_long && request.body.size() <= kCopied) {
    accept(pending, decode_inference(wanted, request.body, {}, *pending->model, decoder_, most_body_));
    return true;
  }
  const auto body = std::make_shared<const Body>(loop_->take_body(id));
  if (is_long) {
    decode_aside(pending, body);
  } else {
    accept(pending, decode_inference(wanted, body->bytes(), body, *pending->model, decoder_, most_body_));
  }
  return true;
}

std::optional<std::string> Service::refuse_body(const Request& request) {
  const auto head = request.method == "POST" ? inference_head(request) : std::nullopt;
  if (!head) return std::nullopt;
  std::string out;
  if (head->route == Route::infer && !find_model(head->model, head->version)) {
    write_response(out, 404, kJson, error_json(no_such_model(*head, find_model(head->model, {}))), false);
  } else if (head->refusal) {
    write_response(out, head->refusal, kJson, error_json(head->reason), false, head->refusal_fields);
  } else {
    return std::nullopt;
  }
  return out;
}

void Service::decode_aside(const PendingPtr& pending, std::shared_ptr<const Body> body) {
  decoding_++;
  worker_->post([this, pending, body = std::move(body)] {
    std::optional<Result<InferRequest>> decoded;
    if (!pending->answered) {
      Decoder decoder;
      decoded = decode_inference(pending->head, body->bytes(), body, *pending->model, decoder, most_body_);
    }
    loop_->post([this, pending, decoded = std::move(decoded)]() mutable {
      decoding_--;
      if (!pending->answered) accept(pending, *std::move(decoded));
    });
  });
}

void Service::accept(const PendingPtr& pending, Result<InferRequest> decoded) {
  if (!decoded) {
    // What decoding finds too large is the client's.
    const Code code = decoded.error().code;
    answer(pending, code == Code::resource_limit ? 413 : status_of(code), error_json(decoded.error().message));
    return;
  }
  pending->request = *std::move(decoded);
  const JobPtr& job = pending->request.job;
  const std::int64_t most = pending->model->max_request_rows();
  if (job->rows > most && pending->model->batched()) {
    answer(pending, 400, error_json(concat("a request may have at most ", most, " rows, not ", job->rows)));
    return;
  }
  if (is_unacceptable(pending->head, pending->request)) {
    answer(pending, 406,
           error_json(concat("the answer to this request is ", pending->request.binary() ? kBinary : kJson,
                             ", which its Accept field excludes")));
    return;
  }
  if (job->timeout.count() > 0 && job->timeout < options_.deadline) {
    pending->deadline = pending->begun + job->timeout;
    deadlines_.moved(*pending);
  }
  job->deadline = pending->deadline;
  submitting_.push_back(pending);
}

// Requests of one round go to the queue together. Those it can't take are answered here, outside the connection layer's
// own iteration.
void Service::on_round_end(std::size_t partial) {
  std::vector<PendingPtr> round;
  round.swap(submitting_);
  std::vector<JobPtr> jobs;
  for (std::size_t i = 0; i < round.size(); i++) {
    ServedModel* const model = round[i]->model;
    if (!round[i]->answered) {
      jobs.push_back(round[i]->request.job);
      by_job_.emplace(jobs.back().get(), round[i]);
    }
    if (i + 1 < round.size() && round[i + 1]->model == model) continue;
    model->queue().submit(jobs, [this](const JobPtr& job, const Refusal& refusal) {
      const PendingPtr pending = by_job_.at(job.get());
      refuse(pending, refusal);
    });
    jobs.clear();
  }
  for (const auto& model : models_) model->queue().set_coming(partial + decoding_);
}

// On the engine's thread: results become responses here, and all of a batch reach the loop as one message.
void Service::complete(std::span<const JobPtr> jobs, const Batch& batch, ServedModel& model) {
  ModelMetrics& metrics = model.metrics();
  const auto now = Clock::now();
  for (const JobPtr& job : jobs) metrics.queue_time.observe(std::chrono::duration<double>(now - job->enqueued).count());
  if (!batch.parts.empty()) {
    metrics.batches.fetch_add(1, std::memory_order_relaxed);
    metrics.rows.fetch_add(static_cast<std::uint64_t>(batch.rows), std::memory_order_relaxed);
    metrics.batch_size.observe(static_cast<double>(batch.rows));
  }
  if (jobs.empty()) return;
  loop_->post([this, done = std::vector<JobPtr>(jobs.begin(), jobs.end())] {
    for (const JobPtr& job : done) {
      const auto found = by_job_.find(job.get());
      if (found == by_job_.end()) continue;  // answered by its deadline, or its client is gone
      const PendingPtr pending = found->second;
      if (job->expired) {
        miss_deadline(pending, job->result.error().message);
        continue;
      }
      if (!job->result) {
        answer(pending, status_of(job->result.error().code), error_json(job->result.error().message));
        continue;
      }
      answer_job(pending);
    }
  });
}

void Service::refuse(const PendingPtr& pending, const Refusal& refusal) {
  pending->model->metrics().rejected.fetch_add(1, std::memory_order_relaxed);
  answer(pending, 503, error_json(refusal.reason), concat("Retry-After: ", refusal.retry_after.count(), "\r\n"));
}

void Service::miss_deadline(const PendingPtr& pending, std::string_view how) {
  pending->model->metrics().deadlines.fetch_add(1, std::memory_order_relaxed);
  answer(pending, 503, error_json(how));
}

void Service::answer_job(const PendingPtr& pending) {
  const auto write = [this, pending] {
    return write_answer(pending->head, pending->request, *pending->model, pending->keep_alive && !draining_);
  };
  if (!is_long_answer(pending->head, pending->request)) return send(pending, write());
  worker_->post([this, pending, write] {
    if (pending->answered) return;
    loop_->post([this, pending, answer = write()]() mutable { send(pending, std::move(answer)); });
  });
}

void Service::answer(const PendingPtr& pending, int status, std::string_view body, std::string_view fields) {
  Answer answer{status, {}};
  write_response(answer.bytes, status, kJson, body, pending->keep_alive && !draining_, fields);
  send(pending, std::move(answer));
}

void Service::send(const PendingPtr& pending, Answer answer) {
  if (pending->answered) return;
  if (pending->model) pending->model->metrics().count(answer.status, seconds_since(pending->begun));
  const ConnectionId id = pending->id;
  const bool close = !pending->keep_alive;
  forget(pending);
  loop_->respond(id, std::move(answer.bytes), close);
}

void Service::forget(const PendingPtr& pending) {
  pending->answered = true;
  deadlines_.remove(*pending);
  pending_.erase(pending->id);
  if (pending->request.job) by_job_.erase(pending->request.job.get());
}

void Service::on_disconnect(ConnectionId id) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  const PendingPtr pending = found->second;
  pending->model->metrics().cancelled.fetch_add(1, std::memory_order_relaxed);
  if (pending->request.job) pending->model->queue().cancel(pending->request.job);
  forget(pending);
}

std::optional<Clock::time_point> Service::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.first().deadline;
}

void Service::on_deadline(Clock::time_point now) {
  while (!deadlines_.empty() && deadlines_.first().deadline <= now) {
    const PendingPtr pending = pending_.at(deadlines_.first().id);
    if (pending->request.job) pending->model->queue().cancel(pending->request.job);
    miss_deadline(pending, "the deadline passed");
  }
}

void Service::begin_drain() { draining_ = true; }

void Service::finish() {
  for (const auto& model : models_) model->queue().drain();
  control_.reset();
  worker_.reset();
  models_.clear();
}

}  // namespace adze::server
