// adze verify: runs ONNX backend test folders (model.onnx beside test_data_set_N/{input,output}_K.pb) and compares.
// With --passes also without the optimising passes, with --bytes in every way a model can be run; then bare models
// serve too, on random inputs.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "graph/any_node.h"
#include "graph/onnx/tensor_file.h"
#include "tools/bytes.h"
#include "tools/command.h"
#include "tools/compare.h"
#include "tools/exit_code.h"
#include "tools/feeds.h"
#include "tools/model_flags.h"
#include "tools/passes.h"
#include "tools/prepared.h"
#include "tools/tune_flags.h"

namespace adze {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> folders;
  int threads = 1;
  bool json = false, passes = false, bytes = false;
  ModelOptions how;

  // Whether there is something to check that needs no expected results.
  bool takes_bare_models() const { return passes || bytes; }
};

struct Outcome {
  std::string test, reason;  // reason empty: passed
  bool skipped = false;
  std::string detail;  // of one that passed
};

bool is_bare_model(const fs::path& path) { return path.extension() == ".onnx"; }

// Folders with a model, in the order of their names; with `bare`, also a model itself.
std::vector<fs::path> find_tests(const std::string& folder, bool bare) {
  std::vector<fs::path> tests;
  std::error_code error;
  if (bare && is_bare_model(folder) && fs::is_regular_file(folder, error)) return {folder};
  if (fs::is_regular_file(fs::path(folder) / "model.onnx", error)) return {folder};
  for (auto entry = fs::recursive_directory_iterator(folder, error); !error && entry != fs::end(entry);
       entry.increment(error)) {
    if (entry->path().filename() == "model.onnx") tests.push_back(entry->path().parent_path());
  }
  std::sort(tests.begin(), tests.end());
  return tests;
}

Error no_tests(const std::string& folder) {
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (error) return make_error(Code::bad_input, folder, ": ", error.message());
  if (!fs::is_directory(status)) return make_error(Code::bad_input, folder, ": is not a folder of tests");
  return make_error(Code::bad_input, folder, ": holds no model.onnx");
}

Result<std::vector<NamedTensor>> read_series(const fs::path& set, std::string_view stem) {
  std::vector<NamedTensor> tensors;
  for (int k = 0;; k++) {
    const fs::path file = set / concat(stem, '_', k, ".pb");
    if (!fs::exists(file)) return tensors;
    ADZE_TRY(NamedTensor tensor, read_tensor_file(file.string()));
    tensors.push_back(std::move(tensor));
  }
}

// Whether a node's numbers can't be known beforehand. ONNX fixes no generator: Bernoulli may differ between
// implementations "even if a seed is specified", and its cases, also those expanded into RandomUniformLike, are drawn
// without the seed they give. Dropout draws only where it is told to train, and its cases with a seed are drawn by the
// generator that adze has too.
bool unpredictable(const Node& node) {
  if (!node.op->random) return false;
  if (node.op->name != "Dropout") return true;
  return node.inputs.size() > 2 && node.inputs[2] != kNoValue && !node.attributes.has("seed");
}

// For each output, whether it depends on such a node.
std::vector<bool> random_outputs(const Graph& graph) {
  std::vector<bool> random(graph.values.size());
  const auto is_random = [&](ValueId id) { return id != kNoValue && random[static_cast<std::size_t>(id)]; };
  for (const Node& node : graph.nodes) {
    if (!any_node(node, unpredictable) && std::ranges::none_of(node.inputs, is_random)) continue;
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) random[static_cast<std::size_t>(id)] = true;
    }
  }
  std::vector<bool> outputs;
  for (const Port& port : graph.outputs) outputs.push_back(is_random(port.value));
  return outputs;
}

// What is asked for beside the comparison with expected results; the detail is what --bytes ran.
Result<std::string> run_checks(const std::string& path, const std::vector<Tensor>& feeds, const Options& options) {
  if (options.passes) ADZE_CHECK(check_passes(path, feeds, options.threads, options.how));
  if (!options.bytes) return std::string();
  return check_bytes(path, feeds, options.how);
}

// Of outputs marked in `random`, only type and shape are compared.
Result<std::string> run_set(const std::shared_ptr<const Model>& model, const fs::path& set, const Options& options,
                            const std::vector<bool>& random) {
  ADZE_TRY(const auto inputs, read_series(set, "input"));
  ADZE_TRY(const auto expected, read_series(set, "output"));
  // Files belong to inputs by name, or by position where they carry none.
  std::map<std::string, Tensor> feeds;
  for (std::size_t k = 0; k < inputs.size(); k++) {
    const bool by_position = inputs[k].name.empty() && k < model->inputs().size();
    feeds[by_position ? model->value_name(model->inputs()[k]) : inputs[k].name] = inputs[k].tensor;
  }
  auto ordered = match_feeds(*model, std::move(feeds));
  if (!ordered) return std::move(ordered).error().with_context(set.filename().string());
  const bool comparable = std::ranges::find(random, true) == random.end();
  std::string detail;
  if (comparable) {
    ADZE_TRY(detail, run_checks(model->name(), *ordered, options));
  }
  ADZE_TRY(Prepared prepared, prepare(model, *std::move(ordered), options.threads));
  const CancelFlag cancel;
  ADZE_CHECK(prepared.session.run(cancel));
  if (expected.size() > model->outputs().size())
    return make_error(Code::mismatch, "has ", model->outputs().size(), " outputs");
  for (std::size_t k = 0; k < expected.size(); k++) {
    const auto index = static_cast<int>(k);
    const TensorInfo& info = prepared.session.output_info(index);
    auto same = random[k] ? compare_kind(expected[k].tensor, info)
                          : compare(expected[k].tensor, info, prepared.session.output(index), {});
    if (!same)
      return std::move(same).error().with_context(concat("output \"", model->value_name(model->outputs()[k]), '"'));
  }
  return detail;
}

Outcome run_test(const fs::path& folder, const Options& options) {
  Outcome outcome{folder.filename().string(), {}, false, {}};
  const bool bare = is_bare_model(folder), without_data = !fs::is_directory(folder / "test_data_set_0");
  auto model = Model::load((bare ? folder : folder / "model.onnx").string(), options.how);
  Result<std::string> result = std::string();
  if (!model) {
    result = std::move(model).error();
  } else if (without_data && !options.takes_bare_models()) {
    result = make_error(Code::unsupported, "has no test_data_set_0");
  } else if (without_data) {
    FeedOptions filled;
    filled.fill = "random:1";
    auto feeds = options.bytes ? batch_feeds(**model) : make_feeds(**model, filled);
    result = feeds ? run_checks((*model)->name(), *feeds, options) : std::move(feeds).error();
  } else {
    const std::vector<bool> random = random_outputs((*model)->graph());
    for (int n = 0; result && fs::is_directory(folder / concat("test_data_set_", n)); n++) {
      result = run_set(*model, folder / concat("test_data_set_", n), options, random);
    }
    if (result && std::ranges::find(random, true) != random.end()) {
      outcome.reason = "its output is random: type and shape agree";
      outcome.skipped = true;
    }
  }
  if (result) {
    outcome.detail = *std::move(result);
  } else {
    outcome.reason = result.error().message;
    outcome.skipped = result.error().code == Code::unsupported;
  }
  return outcome;
}

int execute(const Options& options) {
  int passed = 0, failed = 0, skipped = 0;
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  const bool terminal = isatty(STDERR_FILENO);
  for (const std::string& folder : options.folders) {
    const auto tests = find_tests(folder, options.takes_bare_models());
    if (tests.empty()) return fail(no_tests(folder));
    for (const fs::path& test : tests) {
      const Outcome outcome = run_test(test, options);
      const char* status = outcome.reason.empty() ? "passed" : outcome.skipped ? "skipped" : "failed";
      (outcome.reason.empty() ? passed : outcome.skipped ? skipped : failed)++;
      if (options.json) {
        report.push_back({{"test", outcome.test}, {"status", status}, {"reason", outcome.reason}});
      } else if (const std::string& said = outcome.reason.empty() ? outcome.detail : outcome.reason; !said.empty()) {
        std::printf("%s %s: %s\n", status, outcome.test.c_str(), said.c_str());
      }
      if (terminal) std::fprintf(stderr, "\r%d tests", passed + failed + skipped);
    }
  }
  if (terminal) std::fprintf(stderr, "\r            \r");
  if (options.json)
    std::printf("%s\n", report.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed ? kExitMismatch : kExitOk;
}

}  // namespace

void add_verify(CLI::App& app, RunVerb& run) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("verify", "Run ONNX backend test folders and compare");
  verb->add_option("FOLDER", options->folders, "folders, searched for model.onnx")->required();
  verb->add_option("--threads", options->threads, "threads")->check(CLI::Range(1, 256));
  verb->add_flag("--json", options->json, "a JSON array before the last line");
  add_model_options(*verb, options->how);
  add_tune_options(*verb, options->how);
  verb->add_flag("--passes", options->passes,
                 "also compare the results with and without optimising passes; takes .onnx files too, on random inputs")
      ->excludes("--raw");
  verb->add_flag(
      "--bytes", options->bytes,
      "also compare the bytes for several numbers of threads, for instruction sets, and for rows alone and in "
      "a batch; takes .onnx files too, on random inputs");
  verb->callback([&run, options] { run = [options] { return execute(*options); }; });
}

}  // namespace adze
