// adze serve: the server on the command line's models.
#include "server/serve.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "runtime/tune/tuner.h"
#include "runtime/usable_cpus.h"
#include "tools/command.h"
#include "tools/exit_code.h"
#include "tools/model_flags.h"
#include "tools/tune_flags.h"

namespace adze {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> models;
  std::vector<std::string> load;
  std::string repository, control = "none", log, host = "127.0.0.1";
  int port = 8000, threads = 1;
  std::int64_t max_delay_us = 200, queue_mib = 256, deadline_ms = 500, drain_delay_ms = 0, poll_ms = 1000;
  server::QueueOptions queue;
  bool check = false;
  ModelOptions how;
};

using Named = std::pair<std::string, std::string>;

Named named(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at != text.npos && !fs::exists(text)) return {text.substr(0, at), text.substr(at + 1)};
  return {fs::path(text).stem().string(), text};
}

const std::map<std::string, server::ModelControl> kControls = {{"none", server::ModelControl::none},
                                                               {"explicit", server::ModelControl::by_request},
                                                               {"watch", server::ModelControl::watch}};

server::QueueOptions queue_options(const Options& options) {
  server::QueueOptions queue = options.queue;
  queue.max_delay = std::chrono::microseconds(options.max_delay_us);
  queue.queue_bytes = static_cast<std::size_t>(options.queue_mib) << 20;
  std::sort(queue.preferred.begin(), queue.preferred.end());
  return queue;
}

server::RepositoryOptions repository_options(const Options& options) {
  server::RepositoryOptions repository;
  for (const std::string& text : options.models) repository.models.push_back(named(text));
  repository.folder = options.repository;
  repository.control = kControls.at(options.control);
  repository.load = options.load;
  repository.poll = std::chrono::milliseconds(options.poll_ms);
  static_cast<server::QueueOptions&>(repository.model) = queue_options(options);
  repository.model.threads = options.threads > 0 ? options.threads : usable_cpus();
  repository.model.how = options.how;
  repository.note = [](const std::string& text) { std::fprintf(stderr, "adze: %s\n", text.c_str()); };
  return repository;
}

// A line for each version: what would be served, and what is wrong with the rest.
Result<void> check(server::RepositoryOptions options) {
  options.note = {};
  options.control = server::ModelControl::none;
  server::Repository repository(std::move(options), [](auto, auto&, auto&) {});
  const auto verdict = repository.check();
  for (const server::IndexEntry& entry : repository.index()) {
    std::printf("%s%s%s: %s%s%s\n", entry.name.c_str(), entry.version.empty() ? "" : "/", entry.version.c_str(),
                entry.state == "READY" ? "ok" : "not served", entry.reason.empty() ? "" : ": ", entry.reason.c_str());
  }
  return verdict;
}

Result<void> execute(const Options& options) {
  if (options.models.empty() && options.repository.empty())
    return make_error(Code::bad_input, "serve needs a model or --repository");
  if (options.check) return check(repository_options(options));
  server::ServeOptions serve;
  static_cast<server::RepositoryOptions&>(serve.service) = repository_options(options);
  serve.loop.host = options.host;
  serve.loop.port = options.port;
  serve.service.deadline = std::chrono::milliseconds(options.deadline_ms);
  if (!options.log.empty()) {
    ADZE_TRY(serve.service.log, server::RequestLog::open(options.log));
  }
  serve.drain_delay = std::chrono::milliseconds(options.drain_delay_ms);
  auto served = server::serve(serve, [&](int port) {
    if (options.how.tuner) options.how.tuner->only_recall();  // no request waits for a clock
    std::fprintf(stderr, "adze: serving on http://%s:%d\n", options.host.c_str(), port);
  });
  if (served) std::fprintf(stderr, "adze: stopped\n");
  return served;
}

void add_queue_options(CLI::App& verb, Options& options) {
  server::QueueOptions& queue = options.queue;
  verb.add_option("--max-batch", queue.max_batch, "rows of a batch")->check(CLI::Range(1, 4096));
  verb.add_option("--max-delay-us", options.max_delay_us, "longest wait for company")->check(CLI::Range(0, 10'000'000));
  verb.add_option("--preferred-batch", queue.preferred, "sizes of batches that run without waiting for more")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  verb.add_option("--max-request-rows", queue.max_request_rows, "rows of a request; above --max-batch it is split")
      ->check(CLI::Range(1, 1 << 24));
  verb.add_option("--queue-limit", queue.queue_limit, "requests that may wait")->check(CLI::Range(1, 1'000'000));
  verb.add_option("--queue-mib", options.queue_mib, "MiB of requests that may wait")->check(CLI::Range(1, 1 << 20));
  verb.add_option("--priorities", queue.priorities, "levels of priority; 1 is the highest")->check(CLI::Range(1, 64));
  verb.add_option("--default-priority", queue.default_priority, "of requests that name none; 0: the middle")
      ->check(CLI::Range(0, 64));
}

}  // namespace

void add_serve(CLI::App& app, RunVerb& run) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("serve", "Serve models over HTTP");
  verb->add_option("MODEL", options->models, "[NAME=]FILE.onnx; the first is the default of /predict");
  verb->add_option("--repository", options->repository, "folder of NAME/VERSION/model.onnx and NAME.onnx");
  verb->add_option("--model-control", options->control,
                   "what may change: none, explicit (by request), watch (as the files do)")
      ->check(CLI::IsMember({"none", "explicit", "watch"}));
  verb->add_option("--load", options->load, "explicit: a model of the repository to begin with; * is all");
  verb->add_option("--poll-ms", options->poll_ms, "watch: time between looks at the files")
      ->check(CLI::Range(10, 3'600'000));
  verb->add_flag("--check", options->check, "load and warm up everything, tell what is wrong, serve nothing");
  verb->add_option("--log-requests", options->log, "append a line of JSON per request to this file; - is stderr");
  verb->add_option("--host", options->host, "address to listen on");
  verb->add_option("--port", options->port, "port; 0: any free one")->check(CLI::Range(0, 65535));
  add_queue_options(*verb, *options);
  verb->add_option("--deadline-ms", options->deadline_ms, "time for an answer")->check(CLI::Range(1, 600'000));
  verb->add_option("--threads", options->threads, "threads of all models together; 0: one per usable CPU")
      ->check(CLI::Range(0, 256));
  add_winograd_option(*verb, options->how);
  add_tune_options(*verb, options->how);
  verb->add_option("--drain-delay-ms", options->drain_delay_ms, "time between unready and the end")
      ->check(CLI::Range(0, 600'000));
  verb->callback([&run, options] {
    run = [options] {
      const auto done = execute(*options);
      return done ? kExitOk : fail(done.error());
    };
  });
}

}  // namespace adze
