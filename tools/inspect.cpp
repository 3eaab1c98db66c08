// adze inspect: what a model is and what running it takes, without running it.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/plan.h"
#include "runtime/thread_pool.h"
#include "tools/command.h"
#include "tools/exit_code.h"
#include "tools/feeds.h"
#include "tools/model_flags.h"

namespace adze {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  FeedOptions feeds;
  int threads = 1;
  bool json = false;
  ModelOptions how;
};

std::string dims_of(const Port& port) {
  if (!port.dims) return "?";
  if (port.dims->empty()) return "scalar";
  std::string text;
  for (const Dim& dim : *port.dims) {
    text += (text.empty() ? "" : "x") + (dim.size >= 0        ? std::to_string(dim.size)
                                         : dim.symbol.empty() ? "?"
                                                              : dim.symbol);
  }
  return text;
}

Json ports(const Model& model, const std::vector<Port>& list) {
  Json result = Json::array();
  for (const Port& port : list) {
    result.push_back({{"name", model.value_name(port)}, {"type", name_of(port.type)}, {"shape", dims_of(port)}});
  }
  return result;
}

std::string batch_of(const Model& model) {
  if (model.symbolic_batch()) return "any";
  if (const auto batchable = model.batchable(); !batchable) {
    const auto one = [](const Port& port) { return port.dims && !port.dims->empty() && port.dims->front().size == 1; };
    return concat(std::ranges::all_of(model.inputs(), one) ? "1" : "as declared", ", because ",
                  batchable.error().message);
  }
  return "any (proved)";
}

Json describe(const Model& model, const Plan& plan) {
  Json steps = Json::array();
  for (const PlanStep& step : plan.steps()) {
    Json shapes = Json::array();
    for (const TensorInfo& info : step.outputs) shapes.push_back(to_string(info.shape));
    steps.push_back({{"node", step.name},
                     {"op", step.op},
                     {"kernel", step.step.kernel},
                     {"output", shapes},
                     {"flops", step.step.flops},
                     {"threads", step.parts}});
  }
  return {{"model", model.name()},
          {"inputs", ports(model, model.inputs())},
          {"outputs", ports(model, model.outputs())},
          {"batch", batch_of(model)},
          {"isa", isa_name(model.options().isa)},
          {"nodes", model.graph().nodes.size()},
          {"flops", plan.flops()},
          {"arena_bytes", plan.arena_bytes()},
          {"weight_bytes", model.weight_bytes()},
          {"peak_bytes", plan.arena_bytes() + model.weight_bytes() + plan.constant_bytes()},
          {"unsupported", Json::array()},
          {"steps", steps}};
}

void print(const Json& report) {
  std::printf("model    %s\n", report["model"].get<std::string>().c_str());
  for (const char* side : {"inputs", "outputs"}) {
    for (const Json& port : report[side]) {
      std::printf("%-8s %s %s %s\n", side, port["name"].get<std::string>().c_str(),
                  port["type"].get<std::string>().c_str(), port["shape"].get<std::string>().c_str());
    }
  }
  std::printf("batch    %s\n", report["batch"].get<std::string>().c_str());
  std::printf("isa      %s\n", report["isa"].get<std::string>().c_str());
  std::printf("flops    %.0f\narena    %zu bytes\nweights  %zu bytes\npeak     %zu bytes\n\n",
              report["flops"].get<double>(), report["arena_bytes"].get<std::size_t>(),
              report["weight_bytes"].get<std::size_t>(), report["peak_bytes"].get<std::size_t>());
  std::printf("%-28s %-22s %12s  %s\n", "kernel", "output", "flops", "node");
  for (const Json& step : report["steps"]) {
    std::printf("%-28s %-22s %12.0f  %s\n", step["kernel"].get<std::string>().c_str(),
                step["output"].empty() ? "" : step["output"][0].get<std::string>().c_str(), step["flops"].get<double>(),
                step["node"].get<std::string>().c_str());
  }
}

Result<void> execute(const Options& options) {
  ADZE_TRY(auto model, Model::load(options.model, options.how));
  ADZE_TRY(const auto feeds, make_feeds(*model, options.feeds));
  ADZE_TRY(const auto plan, model->plan(shapes_of(feeds), options.threads));
  const Json report = describe(*model, *plan);
  if (options.json) {
    std::printf("%s\n", report.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    print(report);
  }
  return {};
}

}  // namespace

void add_inspect(CLI::App& app, RunVerb& run) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("inspect", "Show a model's plan, its memory, and what it can't do");
  verb->add_option("MODEL", options->model, "ONNX file")->required();
  verb->add_option("--shape", options->feeds.shapes, "NAME=1x3x224x224")->allow_extra_args(false);
  verb->add_option("--threads", options->threads, "threads of the plan")->check(CLI::Range(1, 256));
  verb->add_flag("--json", options->json, "one JSON object");
  add_model_options(*verb, options->how);
  verb->callback([&run, options] {
    run = [options] {
      const auto done = execute(*options);
      if (!done && options->json) {
        std::printf("%s\n", Json{{"model", options->model}, {"error", done.error().message}}
                                .dump(1, ' ', false, Json::error_handler_t::replace)
                                .c_str());
      }
      return done ? kExitOk : fail(done.error());
    };
  });
}

}  // namespace adze
