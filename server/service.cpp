#include "server/service.h"

#include "server/http/response.h"

namespace adze::server {
namespace {

// Above this a body is decoded on the worker: the loop has other clients.
constexpr std::size_t kDecodeInline = 64 << 10;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// "/v2/models/NAME[/versions/V]/infer" into its parts.
struct InferPath {
  std::string name, version;
};
std::optional<InferPath> parse_infer_path(std::string_view path) {
  constexpr std::string_view kPrefix = "/v2/models/", kSuffix = "/infer", kVersions = "/versions/";
  if (!path.starts_with(kPrefix) || !path.ends_with(kSuffix) || path.size() < kPrefix.size() + kSuffix.size() + 1)
    return std::nullopt;
  path = path.substr(kPrefix.size(), path.size() - kPrefix.size() - kSuffix.size());
  InferPath result;
  if (const std::size_t at = path.find(kVersions); at != path.npos) {
    result.version = path.substr(at + kVersions.size());
    path = path.substr(0, at);
  }
  if (path.find('/') != path.npos) return std::nullopt;
  // Clients quote names.
  for (std::size_t i = 0; i < path.size(); i++) {
    const auto hex = [](char c) {
      return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    };
    if (path[i] == '%' && i + 2 < path.size() && hex(path[i + 1]) >= 0 && hex(path[i + 2]) >= 0) {
      result.name += static_cast<char>(hex(path[i + 1]) * 16 + hex(path[i + 2]));
      i += 2;
    } else {
      result.name += path[i];
    }
  }
  return result;
}

}  // namespace

Service::~Service() { finish(); }

Result<void> Service::load() {
  for (const auto& [name, path] : options_.models) {
    if (find_model(name, {})) return make_error(Code::bad_input, "two models are named \"", name, '"');
    const std::size_t index = models_.size();
    ADZE_TRY(auto model, ServedModel::load(name, path, options_.model, [this, index](std::span<const JobPtr> jobs) {
               complete(jobs, *models_[index]);
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
    loop_->post([this, id, close, response = std::move(response)] { loop_->respond(id, response, close); });
  });
  if (taken) return;
  std::string out;
  write_response(out, 503, kJson, error_json("too many requests are waiting"), request.keep_alive);
  loop_->respond(id, out, close);
}

bool Service::route_inference(ConnectionId id, const Request& request) {
  auto pending = std::make_shared<Pending>();
  pending->id = id;
  pending->keep_alive = request.keep_alive;
  pending->begun = Clock::now();
  if (request.path == "/predict") {
    pending->route = Route::predict;
    pending->model = models_.front().get();
  } else if (const auto path = parse_infer_path(request.path)) {
    pending->route = Route::infer;
    pending->model = find_model(path->name, path->version);
  } else {
    return false;
  }
  pending_.emplace(id, pending);
  if (!pending->model) {
    answer(pending, 404, error_json("there is no such model"));
    return true;
  }
  // Encoded and binary bodies are not understood; a wrong guess would be a wrong answer.
  if (!request.field("content-encoding").empty() || !request.field("inference-header-content-length").empty()) {
    answer(pending, 415, error_json("only plain JSON bodies are supported"));
    return true;
  }
  deadlines_.push_back(pending);
  if (request.body.size() <= kDecodeInline) {
    Result<void> result;
    decode(pending, request.body, decoder_, result);
    accept(pending, result);
    return true;
  }
  decoding_++;
  worker_->post([this, pending, body = std::string(request.body)] {
    Decoder decoder;
    Result<void> result;
    decode(pending, body, decoder, result);
    loop_->post([this, pending, result] {
      decoding_--;
      if (!pending->answered) accept(pending, result);
    });
  });
  return true;
}

void Service::decode(const PendingPtr& pending, std::string_view body, Decoder& decoder, Result<void>& result) {
  if (pending->route == Route::predict) {
    auto job = decoder.predict(body, *pending->model);
    if (job) {
      pending->request.job = *std::move(job);
    } else {
      result = std::move(job).error();
    }
  } else {
    auto request = decoder.infer(body, *pending->model);
    if (request) {
      pending->request = *std::move(request);
    } else {
      result = std::move(request).error();
    }
  }
}

void Service::accept(const PendingPtr& pending, const Result<void>& decoded) {
  if (!decoded) {
    answer(pending, status_of(decoded.error().code), error_json(decoded.error().message));
    return;
  }
  const JobPtr& job = pending->request.job;
  const std::int64_t most = pending->model->max_rows();
  if (job->rows > most && pending->model->batched()) {
    answer(pending, 400, error_json(concat("a request may have at most ", most, " rows, not ", job->rows)));
    return;
  }
  job->deadline = pending->begun + options_.deadline;
  submitting_.push_back(pending);
}

// Requests of one round go to the queue together. Those it can't take are answered here, outside the connection layer's
// own iteration.
void Service::on_round_end(std::size_t partial) {
  std::vector<PendingPtr> round;
  round.swap(submitting_);
  for (const PendingPtr& pending : round) {
    if (pending->answered) continue;
    by_job_.emplace(pending->request.job.get(), pending);
    if (pending->model->queue().submit(pending->request.job)) continue;
    by_job_.erase(pending->request.job.get());
    pending->model->metrics().rejected.fetch_add(1, std::memory_order_relaxed);
    answer(pending, 503, error_json("the queue is full"));
  }
  for (const auto& model : models_) model->queue().set_coming(partial + decoding_);
}

// On the engine's thread: results become responses here, and all of a batch reach the loop as one message.
void Service::complete(std::span<const JobPtr> jobs, ServedModel& model) {
  ModelMetrics& metrics = model.metrics();
  std::int64_t rows = 0;
  const auto now = Clock::now();
  for (const JobPtr& job : jobs) {
    rows += job->rows;
    metrics.queue_time.observe(std::chrono::duration<double>(now - job->enqueued).count());
  }
  metrics.batches.fetch_add(1, std::memory_order_relaxed);
  metrics.rows.fetch_add(static_cast<std::uint64_t>(rows), std::memory_order_relaxed);
  metrics.batch_size.observe(static_cast<double>(rows));
  loop_->post([this, done = std::vector<JobPtr>(jobs.begin(), jobs.end())] {
    for (const JobPtr& job : done) {
      const auto found = by_job_.find(job.get());
      if (found == by_job_.end()) continue;  // answered by its deadline, or its client is gone
      const PendingPtr pending = found->second;
      if (!job->result) {
        answer(pending, status_of(job->result.error().code), error_json(job->result.error().message));
        continue;
      }
      const auto body = pending->route == Route::predict ? encode_predict(*job, *pending->model)
                                                         : encode_infer(pending->request, *pending->model);
      if (body) {
        answer(pending, 200, *body);
      } else {
        answer(pending, 500, error_json(body.error().message));
      }
    }
  });
}

void Service::answer(const PendingPtr& pending, int status, std::string_view body) {
  if (pending->answered) return;
  std::string out;
  write_response(out, status, kJson, body, pending->keep_alive && !draining_);
  if (pending->model) pending->model->metrics().count(status, seconds_since(pending->begun));
  const ConnectionId id = pending->id;
  const bool close = !pending->keep_alive;
  forget(pending);
  loop_->respond(id, out, close);
}

void Service::forget(const PendingPtr& pending) {
  pending->answered = true;
  pending_.erase(pending->id);
  if (pending->request.job) by_job_.erase(pending->request.job.get());
  while (!deadlines_.empty() && deadlines_.front()->answered) deadlines_.pop_front();
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
  return deadlines_.front()->begun + options_.deadline;
}

void Service::on_deadline(Clock::time_point now) {
  while (!deadlines_.empty() && deadlines_.front()->begun + options_.deadline <= now) {
    const PendingPtr pending = deadlines_.front();
    deadlines_.pop_front();
    if (pending->answered) continue;
    pending->model->metrics().deadlines.fetch_add(1, std::memory_order_relaxed);
    if (pending->request.job) pending->model->queue().cancel(pending->request.job);
    answer(pending, 503, error_json("the deadline passed"));
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
