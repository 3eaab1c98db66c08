#include "server/control/control.h"

#include <httplib.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "server/http/response.h"

namespace adze::server {
namespace {

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
    Get("/", [this](const httplib::Request&, httplib::Response& response) {
      response.set_header("Content-Security-Policy",
                          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
      response.set_content(source_.page(), "text/html; charset=utf-8");
    });
    Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(source_.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    });
    for (const char* path : {"/v2/health/live", "/healthz"}) {
      Get(path, [json](const httplib::Request&, httplib::Response& response) {
        json(response, {200, "{\"live\":true}"});
      });
    }
    for (const char* path : {"/v2/health/ready", "/readyz"}) {
      Get(path, [this, json](const httplib::Request&, httplib::Response& response) {
        json(response, source_.ready()
                           ? ControlSource::Answer{200, "{\"ready\":true,\"live\":true}"}
                           : ControlSource::Answer{503, "{\"error\":\"the server is shutting down\",\"ready\":false}"});
      });
    }
    Get("/v2/?", [this, json](const httplib::Request&, httplib::Response& response) {
      json(response, source_.server_metadata());
    });
    Get("/v2/models/?",
        [this, json](const httplib::Request&, httplib::Response& response) { json(response, source_.models()); });
    Get("/v2/models/([^/]+)(?:/versions/([0-9]+))?",
        [this, json](const httplib::Request& request, httplib::Response& response) {
          json(response, source_.model_metadata(request.matches[1], request.matches[2]));
        });
    Get("/v2/models/([^/]+)(?:/versions/([0-9]+))?/ready",
        [this, json](const httplib::Request& request, httplib::Response& response) {
          json(response, source_.model_ready(request.matches[1], request.matches[2]));
        });
    // httplib answers 404 for a known path with another method; clients are told which one it takes.
    const auto not_allowed = [](const char* allow) {
      return [allow](const httplib::Request&, httplib::Response& response) {
        response.status = 405;
        response.set_header("Allow", allow);
        response.set_content(error_json(concat("the method is not allowed here; use ", allow)), std::string(kJson));
      };
    };
    constexpr const char* kReadOnly =
        "/(?:|metrics|healthz|readyz|v2/?|v2/health/live|v2/health/ready|v2/models(?:/[^/]+)?(?:/versions/[0-9]+)?(?:/"
        "ready)?/?)";
    Post(kReadOnly, not_allowed("GET"));
    Put(kReadOnly, not_allowed("GET"));
    Delete(kReadOnly, not_allowed("GET"));
    Patch(kReadOnly, not_allowed("GET"));
    constexpr const char* kInference = "/(?:predict|v2/models/[^/]+(?:/versions/[0-9]+)?/infer)";
    Get(kInference, not_allowed("POST"));
    Put(kInference, not_allowed("POST"));
    Delete(kInference, not_allowed("POST"));
    Patch(kInference, not_allowed("POST"));
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) {
        response.set_content(
            error_json(response.status == 404 ? "there is nothing at this path" : status_text(response.status)),
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
  ControlSource source_;
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

bool ControlPlane::handle(const Request& request, std::function<void(std::string)> done) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->waiting.size() >= kMaxWaiting) return false;
    state_->waiting.push_back({rebuilt(request), request.keep_alive, std::move(done)});
  }
  state_->wake.notify_one();
  return true;
}

}  // namespace adze::server
