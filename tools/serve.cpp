// adze serve: the server on the command line's models.
#include "server/serve.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

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
  std::string repository, host = "127.0.0.1";
  int port = 8000, threads = 1;
  std::int64_t max_delay_us = 200, queue_mib = 256, deadline_ms = 500, drain_delay_ms = 0;
  server::QueueOptions queue;
  ModelOptions how;
};

using Named = std::pair<std::string, std::string>;

Named named(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at != text.npos && !fs::exists(text)) return {text.substr(0, at), text.substr(at + 1)};
  return {fs::path(text).stem().string(), text};
}

bool is_version(const std::string& text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == text.npos;
}

// NAME/VERSION/model.onnx; of several versions the highest.
Result<std::vector<Named>> scan(const std::string& repository) {
  std::error_code error;
  std::vector<Named> models;
  for (const auto& entry : fs::directory_iterator(repository, error)) {
    int best = -1;
    std::string path;
    std::error_code ignored;
    for (const auto& version : fs::directory_iterator(entry.path(), ignored)) {
      const std::string name = version.path().filename().string();
      const fs::path model = version.path() / "model.onnx";
      if (!is_version(name) || std::stoi(name) <= best || !fs::exists(model)) continue;
      best = std::stoi(name);
      path = model.string();
    }
    if (best >= 0) models.emplace_back(entry.path().filename().string(), path);
  }
  if (error) return make_error(Code::bad_input, repository, ": ", error.message());
  if (models.empty()) return make_error(Code::bad_input, repository, ": holds no NAME/VERSION/model.onnx");
  std::sort(models.begin(), models.end());
  return models;
}

server::QueueOptions queue_options(const Options& options) {
  server::QueueOptions queue = options.queue;
  queue.max_delay = std::chrono::microseconds(options.max_delay_us);
  queue.queue_bytes = static_cast<std::size_t>(options.queue_mib) << 20;
  std::sort(queue.preferred.begin(), queue.preferred.end());
  return queue;
}

Result<void> execute(const Options& options) {
  server::ServeOptions serve;
  for (const std::string& text : options.models) serve.service.models.push_back(named(text));
  if (!options.repository.empty()) {
    ADZE_TRY(serve.service.models, scan(options.repository));
  }
  if (serve.service.models.empty()) return make_error(Code::bad_input, "serve needs a model or --repository");
  serve.loop.host = options.host;
  serve.loop.port = options.port;
  static_cast<server::QueueOptions&>(serve.service.model) = queue_options(options);
  serve.service.model.threads = options.threads > 0 ? options.threads : usable_cpus();
  serve.service.model.how = options.how;
  serve.service.deadline = std::chrono::milliseconds(options.deadline_ms);
  serve.service.note = [](const std::string& text) { std::fprintf(stderr, "adze: %s\n", text.c_str()); };
  serve.drain_delay = std::chrono::milliseconds(options.drain_delay_ms);
  auto served = server::serve(serve, [&](int port) {
    if (options.how.tuner) options.how.tuner->only_recall();  // no request waits for a clock
    std::fprintf(stderr, "adze: serving %zu model(s) on http://%s:%d, default \"%s\"\n", serve.service.models.size(),
                 options.host.c_str(), port, serve.service.models.front().first.c_str());
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
  verb->add_option("--repository", options->repository, "folder of NAME/VERSION/model.onnx");
  verb->add_option("--host", options->host, "address to listen on");
  verb->add_option("--port", options->port, "port; 0: any free one")->check(CLI::Range(0, 65535));
  add_queue_options(*verb, *options);
  verb->add_option("--deadline-ms", options->deadline_ms, "time for an answer")->check(CLI::Range(1, 600'000));
  verb->add_option("--threads", options->threads, "threads per model; 0: one per usable CPU")
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
