#include "server/service.h"

#include "server/http/response.h"

namespace adze::server {
namespace {

// Larger bodies are kept instead of copied out of their connection's buffer.
constexpr std::size_t kCopied = 64 << 10;

// The JSON string in {"error": "..."}.
std::string_view error_text(std::string_view body) {
  constexpr std::string_view kFront = "{\"error\":";
  return body.starts_with(kFront) ? body.substr(kFront.size(), body.size() - kFront.size() - 1) : std::string_view();
}

}  // namespace

Service::~Service() { finish(); }

void Service::start(Loop& loop, Repository::Answer loaded) {
  loop_ = &loop;
  most_body_ = loop.limits().body_bytes;
  worker_ = std::make_unique<Worker>();
  repository_ = std::make_unique<Repository>(options_, [this](std::span<const JobPtr> jobs, const Batch& batch,
                                                              ServedModel& model) { complete(jobs, batch, model); });
  control_ = std::make_unique<ControlPlane>(control_source());
  repository_->start([this, loaded = std::move(loaded)](const Result<void>& outcome) {
    loaded_ = outcome.has_value();
    loaded(outcome);
  });
}

// What is told instead of an answer from a model that isn't there, or isn't there yet.
ControlSource::Answer Service::no_model(const std::string& name, const std::string& version) const {
  if (!loaded_ || repository_->is_loading(name)) return {503, error_json("the model is being loaded")};
  if (name.empty()) return {404, error_json("there is no model")};
  if (!version.empty() && repository_->find(name, {}))
    return {404, error_json(concat("the model \"", name, "\" has no version ", version))};
  return {404, error_json(concat("there is no model \"", name, '"'))};
}

void Service::on_request(ConnectionId id, const Request& request) {
  if (request.method == "POST" && (route_inference(id, request) || route_repository(id, request))) return;
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
  pending->model =
      wanted.route == Route::predict ? repository_->default_model() : repository_->find(wanted.model, wanted.version);
  if (options_.log) {
    pending->logged = std::make_unique<Pending::Logged>();
    pending->logged->traceparent = valid_traceparent(request.field("traceparent"));
    pending->logged->request_id = request.field("x-request-id");
    pending->logged->bytes_in = request.body.size();
  }
  pending_.emplace(id, pending);
  deadlines_.push(*pending);
  if (!pending->model) {
    const ControlSource::Answer none = no_model(wanted.model, wanted.version);
    answer(pending, none.status, none.body);
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
  if (head->route == Route::infer && !repository_->find(head->model, head->version)) {
    const ControlSource::Answer none = no_model(head->model, head->version);
    write_response(out, none.status, kJson, none.body, false);
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
    ServedModel* const model = round[i]->model.get();
    if (!round[i]->answered) {
      jobs.push_back(round[i]->request.job);
      by_job_.emplace(jobs.back().get(), round[i]);
    }
    if (i + 1 < round.size() && round[i + 1]->model.get() == model) continue;
    model->queue().submit(jobs, [this](const JobPtr& job, const Refusal& refusal) {
      const PendingPtr pending = by_job_.at(job.get());
      refuse(pending, refusal);
    });
    jobs.clear();
  }
  repository_->set_coming(partial + decoding_);
}

// On the engine's thread: results become responses here, and all of a batch reach the loop as one message.
void Service::complete(std::span<const JobPtr> jobs, const Batch& batch, ServedModel& model) {
  count_batch(jobs, batch, model);
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
        pending->why = Failure::backend;
        answer(pending, status_of(job->result.error().code), error_json(job->result.error().message));
        continue;
      }
      answer_job(pending);
    }
  });
}

void Service::refuse(const PendingPtr& pending, const Refusal& refusal) {
  pending->model->metrics().shed.fetch_add(1, std::memory_order_relaxed);
  pending->why = Failure::rejected;
  answer(pending, 503, error_json(refusal.reason), concat("Retry-After: ", refusal.retry_after.count(), "\r\n"));
}

void Service::miss_deadline(const PendingPtr& pending, std::string_view how) {
  count_deadline(*pending);
  pending->why = Failure::rejected;
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
  const ConnectionId id = pending->id;
  const bool close = !pending->keep_alive || draining_;
  forget(pending);
  if (pending->logged) {
    pending->logged->bytes_out = answer.bytes.size();
    const std::size_t head = answer.bytes.find("\r\n\r\n");
    if (answer.status != 200) pending->logged->error = error_text(std::string_view(answer.bytes).substr(head + 4));
  }
  loop_->respond(id, std::move(answer.bytes), close);
  count_answer(*pending, answer.status);
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
  count_cancelled(*pending);
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
  if (!repository_) return;
  control_.reset();
  worker_.reset();
  // Nobody may hold a model any more when the repository lets go of them.
  loop_->discard_posted();
  for (const auto& [id, pending] : pending_) {
    deadlines_.remove(*pending);
    if (pending->model && pending->request.job) pending->model->queue().cancel(pending->request.job);
  }
  pending_.clear();
  by_job_.clear();
  submitting_.clear();
  repository_.reset();
}

}  // namespace adze::server
