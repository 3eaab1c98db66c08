#include "server/control/control.h"

#include <httplib.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "server/control/openapi.h"
#include "server/http/response.h"

namespace adze::server {
namespace {

constexpr std::string_view kNothingHere = "there is nothing at this path";
constexpr std::size_t kWorkers = 2, kMaxWaiting = 256;

// A request in memory as httplib reads it; what it writes is collected.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(std::string_view in) : in_(in) {}
  bool is_readable() const override { return at_ < in_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    const std::size_t n = std::min(size, in_.size() - at_);
    std::memcpy(to, in_.data() + at_, n);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, size_t size) override {
    out.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string out;

 private:
  std::string_view in_;
  std::size_t at_ = 0;
};

class Routes final : public httplib::Server {
 public:
  explicit Routes(ControlSource source) : source_(std::move(source)) {
    const auto json = [](httplib::Response& response, const ControlSource::Answer& answer) {
      response.status = answer.status;
      response.set_content(answer.body, std::string(kJson));
      if (answer.status == 503) response.set_header("Retry-After", "1");
    };
    on("GET", "/", [this](const httplib::Request&, httplib::Response& response) {
      response.set_header("Content-Security-Policy",
                          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
      response.set_content(source_.page(), "text/html; charset=utf-8");
    });
    on("GET", "/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(source_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    on("GET", "/openapi.json", [json](const httplib::Request&, httplib::Response& response) {
      json(response, {200, std::string(openapi_json())});
    });
    for (const char* path : {"/v2/health/live", "/healthz"}) {
      on("GET", path, [json](const httplib::Request&, httplib::Response& response) {
        json(response, {200, "{\"live\":true}"});
      });
    }
    for (const char* path : {"/v2/health/ready", "/readyz"}) {
      on("GET", path, [this, json](const httplib::Request&, httplib::Response& response) {
        const std::string why = source_.unready();
        json(response, why.empty() ? ControlSource::Answer{200, "{\"ready\":true,\"live\":true}"}
                                   : ControlSource::Answer{503, concat("{\"error\":\"", why, "\",\"ready\":false}")});
      });
    }
    on("GET", "/v2", [this, json](const httplib::Request&, httplib::Response& response) {
      json(response, source_.server_metadata());
    });
    on("GET", "/v2/models",
       [this, json](const httplib::Request&, httplib::Response& response) { json(response, source_.models()); });
    on("GET", "/v2/models/stats", [this, json](const httplib::Request&, httplib::Response& response) {
      json(response, source_.statistics({}, {}));
    });
    for (const std::string model : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
      const auto of_model = [this, json, &model](const std::string& suffix, auto answer) {
        on("GET", model + suffix, [this, json, answer](const httplib::Request& request, httplib::Response& response) {
          json(response,
               (source_.*answer)(request.matches[1], request.matches.size() > 2 ? request.matches[2].str() : ""));
        });
      };
      of_model("", &ControlSource::model_metadata);
      of_model("/ready", &ControlSource::model_ready);
      of_model("/stats", &ControlSource::statistics);
      of_model("/config", &ControlSource::model_config);
      paths_.add("POST", model + "/infer");
    }
    paths_.add("POST", "/predict");
    for (const char* path : {"index", "models/{model}/load", "models/{model}/unload"})
      paths_.add("POST", std::string("/v2/repository/") + path);
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) {
        response.set_content(error_json(response.status == 404 ? kNothingHere : status_text(response.status)),
                             std::string(kJson));
      }
    });
    set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
      response.status = 500;
      response.set_content(error_json("internal error"), std::string(kJson));
    });
    // The connection layer decides how long a connection lives.
    set_post_routing_handler(
        [](const httplib::Request&, httplib::Response& response) { response.headers.erase("Keep-Alive"); });
  }

  const PathTable& paths() const { return paths_; }

  // The answer where the path and the method decide it; otherwise nothing.
  std::optional<std::string> settled(std::string_view path, std::string_view method, bool keep_alive) const {
    const std::string allowed = paths_.allowed(path);
    if (method != "OPTIONS" && is_allowed(allowed, method)) return std::nullopt;
    std::string out;
    if (allowed.empty()) {
      server::write_response(out, 404, kJson, error_json(kNothingHere), keep_alive);
    } else if (method == "OPTIONS") {
      server::write_response(out, 200, "text/plain", {}, keep_alive, concat("Allow: ", allowed, "\r\n"));
    } else {
      server::write_response(out, 405, kJson, error_json(concat("the method is not allowed here; use ", allowed)),
                             keep_alive, concat("Allow: ", allowed, "\r\n"));
    }
    if (method == "HEAD") out.resize(out.find("\r\n\r\n") + 4);
    return out;
  }

  std::string answer(std::string_view request, bool keep_alive) {
    MemoryStream stream(request);
    bool closed = false;
    if (!process_request(stream, !keep_alive, closed, nullptr) || stream.out.empty()) {
      std::string out;
      server::write_response(out, 500, kJson, error_json("internal error"), keep_alive);
      return out;
    }
    // httplib announces its own limits on keeping the connection, which are not this server's.
    const std::size_t at = stream.out.find("Keep-Alive: timeout=");
    const std::size_t head = stream.out.find("\r\n\r\n");
    if (at < head) stream.out.erase(at, stream.out.find("\r\n", at) + 2 - at);
    return std::move(stream.out);
  }

 private:
  // Routes the path, in OpenAPI's form, to the handler.
  void on(const std::string& method, const std::string& path, Handler handler) {
    paths_.add(method, path);
    if (method == "GET") {
      Get(path_pattern(path), std::move(handler));
    } else {
      Post(path_pattern(path), std::move(handler));
    }
  }

  ControlSource source_;
  PathTable paths_;
};

// The head without the fields that httplib would take for more than they are: encodings it would compress for, ranges
// it would cut by, addresses it would trust, framing that is done already.
std::string rebuilt(const Request& request) {
  std::string out = concat(request.method, ' ', request.target, " HTTP/1.1\r\n");
  for (std::size_t i = 0; i < request.field_count; i++) {
    bool drop = false;
    for (const std::string_view name :
         {"accept-encoding", "content-encoding", "range", "expect", "transfer-encoding", "content-length", "connection",
          "keep-alive", "upgrade", "content-type", "remote_addr", "remote_port", "local_addr", "local_port"}) {
      drop |= equals_ignoring_case(request.fields[i].name, name);
    }
    if (!drop) out += concat(request.fields[i].name, ": ", request.fields[i].value, "\r\n");
  }
  // The read-only routes have no use for a body.
  return out += "Content-Length: 0\r\n\r\n";
}

}  // namespace

struct ControlPlane::State {
  struct Work {
    std::string request;
    bool keep_alive;
    std::function<void(std::string)> done;
  };

  explicit State(ControlSource source) : routes(std::move(source)) {
    for (std::size_t i = 0; i < kWorkers; i++) workers.emplace_back([this] { loop(); });
  }
  ~State() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  void loop() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return stop || !waiting.empty(); });
      if (waiting.empty()) return;
      Work work = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      work.done(routes.answer(work.request, work.keep_alive));
      lock.lock();
    }
  }

  Routes routes;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Work> waiting;
  bool stop = false;
  std::vector<std::thread> workers;
};

ControlPlane::ControlPlane(ControlSource source) : state_(std::make_unique<State>(std::move(source))) {}
ControlPlane::~ControlPlane() = default;

const PathTable& ControlPlane::paths() const { return state_->routes.paths(); }

bool ControlPlane::handle(const Request& request, std::function<void(std::string)> done) {
  if (auto answer = state_->routes.settled(request.path, request.method, request.keep_alive)) {
    done(*std::move(answer));
    return true;
  }
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->waiting.size() >= kMaxWaiting) return false;
    state_->waiting.push_back({rebuilt(request), request.keep_alive, std::move(done)});
  }
  state_->wake.notify_one();
  return true;
}

}  // namespace adze::server
