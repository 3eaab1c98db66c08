// adze run: one inference; outputs are summed up on stdout and, with --output-dir, written as .npy files.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "graph/elements.h"
#include "runtime/plan.h"
#include "tools/command.h"
#include "tools/exit_code.h"
#include "tools/feeds.h"
#include "tools/model_flags.h"
#include "tools/npy.h"
#include "tools/prepared.h"
#include "tools/tune_flags.h"

namespace adze {
namespace {

struct Options {
  std::string model, output_dir, precision = "f32", device = "cpu";
  FeedOptions feeds;
  int threads = 0;
  ModelOptions how;
};

std::string file_name(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  std::replace(name.begin(), name.end(), ':', '_');
  return name + ".npy";
}

void print(const std::string& name, const TensorInfo& info, std::span<const std::byte> bytes) {
  std::printf("%s %s %s", name.c_str(), std::string(name_of(info.type)).c_str(), to_string(info.shape).c_str());
  constexpr std::int64_t kShown = 8;
  with_reader(info.type, [&](auto read) {
    for (std::int64_t i = 0; i < std::min(info.elements(), kShown); i++)
      std::printf(" %.7g", static_cast<double>(read(bytes.data(), i)));
  });
  std::printf(info.elements() > kShown ? " ...\n" : "\n");
}

Result<void> execute(const Options& options) {
  ADZE_TRY(auto model, Model::load(options.model, options.how));
  ADZE_TRY(auto feeds, make_feeds(*model, options.feeds));
  ADZE_TRY(Prepared prepared, prepare(model, std::move(feeds), options.threads));
  if (!options.output_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.output_dir, error);
    if (error) return make_error(Code::bad_input, options.output_dir, ": ", error.message());
  }
  const CancelFlag cancel;
  if (auto done = prepared.session.run(cancel); !done) return std::move(done).error().with_context(model->name());
  for (std::size_t i = 0; i < model->outputs().size(); i++) {
    const auto index = static_cast<int>(i);
    const std::string& name = model->value_name(model->outputs()[i]);
    const TensorInfo& info = prepared.session.output_info(index);
    print(name, info, prepared.session.output(index));
    if (options.output_dir.empty()) continue;
    ADZE_CHECK(
        write_npy(options.output_dir + "/" + file_name(name), info.type, info.shape, prepared.session.output(index)));
  }
  return {};
}

}  // namespace

void add_run(CLI::App& app, RunVerb& run) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("run", "Run a model once");
  verb->add_option("MODEL", options->model, "ONNX file")->required();
  add_feed_options(*verb, options->feeds);
  verb->add_option("--threads", options->threads, "threads; 0: one per usable CPU")->check(CLI::Range(0, 256));
  verb->add_option("--precision", options->precision, "f32")->check(CLI::IsMember({"f32"}));
  verb->add_option("--device", options->device, "cpu")->check(CLI::IsMember({"cpu"}));
  verb->add_option("--output-dir", options->output_dir, "write DIR/OUTPUT.npy");
  add_model_options(*verb, options->how);
  add_tune_options(*verb, options->how);
  verb->callback([&run, options] {
    run = [options] {
      const auto done = execute(*options);
      return done ? kExitOk : fail(done.error());
    };
  });
}

}  // namespace adze
