// The model repository extension: POST /v2/repository/index, and /v2/repository/models/M/load and /unload, which are
// answered when the repository's loader is done with them.
#include <simdjson.h>

#include "server/http/response.h"
#include "server/service.h"

namespace adze::server {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxDepth = 16;

Error bad(const auto&... pieces) { return make_error(Code::bad_input, pieces...); }

struct RepositoryRequest {
  enum class Kind { index, load, unload } kind = Kind::index;
  std::string name;
};

// The one repository may be named or left out.
std::optional<RepositoryRequest> parse_path(std::string_view path) {
  constexpr std::string_view kPrefix = "/v2/repository/", kModels = "models/";
  if (!path.starts_with(kPrefix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  if (path == "index") return RepositoryRequest{RepositoryRequest::Kind::index, {}};
  if (!path.starts_with(kModels)) return std::nullopt;
  path.remove_prefix(kModels.size());
  const std::size_t slash = path.find('/');
  if (slash == path.npos) return std::nullopt;
  const std::string_view verb = path.substr(slash + 1);
  const std::string name(path.substr(0, slash));
  if (verb == "load") return RepositoryRequest{RepositoryRequest::Kind::load, name};
  if (verb == "unload") return RepositoryRequest{RepositoryRequest::Kind::unload, name};
  return std::nullopt;
}

// The object in a body, which may be empty.
Result<std::optional<dom::object>> parse_body(dom::parser& parser, std::string_view body) {
  if (body.empty()) return std::optional<dom::object>();
  [[maybe_unused]] const auto allocated = parser.allocate(4096, kMaxDepth);
  dom::object root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return bad("the body is no JSON object");
  return std::optional(root);
}

// {"parameters": {"config": "..."}}
Result<std::optional<std::string>> config_of(std::string_view body) {
  dom::parser parser;
  ADZE_TRY(const auto root, parse_body(parser, body));
  std::optional<std::string> config;
  dom::object parameters;
  if (!root || (*root)["parameters"].get(parameters) != simdjson::SUCCESS) return config;
  for (const auto& [key, value] : parameters) {
    std::string_view text;
    if (key != "config") return bad("unknown parameter \"", key, "\"; models come from the repository's files alone");
    if (value.get(text) != simdjson::SUCCESS) return bad("\"config\" is no text");
    config = text;
  }
  return config;
}

Result<bool> only_ready(std::string_view body) {
  dom::parser parser;
  ADZE_TRY(const auto root, parse_body(parser, body));
  bool ready = false;
  if (root && (*root)["ready"].get(ready) == simdjson::INCORRECT_TYPE)
    return bad("\"ready\" is neither true nor false");
  return ready;
}

std::string index_json(const std::vector<IndexEntry>& index, bool ready) {
  std::string out = "[";
  for (const IndexEntry& entry : index) {
    if (ready && entry.state != "READY") continue;
    out += concat(out.size() > 1 ? "," : "", "{\"name\":", json_string(entry.name));
    if (!entry.version.empty()) out += concat(",\"version\":", json_string(entry.version));
    out += concat(",\"state\":", json_string(entry.state), ",\"reason\":", json_string(entry.reason), '}');
  }
  return out + "]";
}

}  // namespace

bool Service::route_repository(ConnectionId id, const Request& request) {
  const auto what = parse_path(request.path);
  if (!what) return false;
  const bool keep_alive = request.keep_alive;
  const auto answer = [this, id, keep_alive](int status, const std::string& body) {
    loop_->post([this, id, keep_alive, status, body] {
      std::string out;
      write_response(out, status, kJson, body, keep_alive && !draining_);
      loop_->respond(id, out, !keep_alive || draining_);
    });
  };
  if (what->kind == RepositoryRequest::Kind::index) {
    const auto ready = only_ready(request.body);
    if (!ready) {
      answer(400, error_json(ready.error().message));
      return true;
    }
    // Looks at the files, so not here.
    worker_->post([this, answer, ready = *ready] { answer(200, index_json(repository_->index(), ready)); });
    return true;
  }
  if (options_.control != ModelControl::by_request) {
    answer(409, error_json("models are loaded and unloaded by request only with --model-control explicit"));
    return true;
  }
  const auto done = [answer](const Result<void>& outcome) {
    if (outcome) {
      answer(200, "{}");
    } else {
      answer(outcome.error().code == Code::cancelled ? 503 : 400, error_json(outcome.error().message));
    }
  };
  bool taken = false;
  if (what->kind == RepositoryRequest::Kind::unload) {
    taken = repository_->unload(what->name, done);
  } else {
    auto config = config_of(request.body);
    if (!config) {
      answer(400, error_json(config.error().message));
      return true;
    }
    taken = repository_->load(what->name, *std::move(config), done);
  }
  if (!taken) answer(503, error_json("too many models wait to be loaded"));
  return true;
}

}  // namespace adze::server
