#include "server/model/pipeline.h"

#include <algorithm>
#include <map>

namespace adze::server {
namespace {

Error bad(const auto&... pieces) { return make_error(Code::bad_input, pieces...); }

// A tensor of the pipeline: where it comes from, and what it is.
struct Named {
  Source source;
  ServedPort port;
};

// What the pipeline calls a port of a step's model.
const std::string& name_in(const PipelineStep::Names& names, const std::string& port) {
  const auto found = std::ranges::find(names, port, [](const auto& pair) -> const std::string& { return pair.first; });
  return found == names.end() ? port : found->second;
}

Result<void> check_names(const PipelineStep::Names& names, const std::vector<ServedPort>& ports, const char* kind) {
  for (std::size_t i = 0; i < names.size(); i++) {
    if (std::ranges::find(ports, names[i].first, &ServedPort::name) == ports.end())
      return bad("the model has no ", kind, " \"", names[i].first, '"');
    for (std::size_t j = 0; j < i; j++) {
      if (names[j].first == names[i].first) return bad(kind, " \"", names[i].first, "\" is named twice");
    }
  }
  return {};
}

class Assembler {
 public:
  Result<void> add(const PipelineStep& step, const ServedModel& model) {
    if (model.assembly().stages.size() != 1) return bad("is a pipeline, which can't be a step of another");
    ADZE_CHECK(check_names(step.inputs, model.inputs(), "input"));
    ADZE_CHECK(check_names(step.outputs, model.outputs(), "output"));
    if (!model.batched() && made_.alone_because.empty())
      made_.alone_because = concat(step.model, ": ", model.alone_because());
    Stage stage{model.assembly().stages[0].model, {}};
    for (const ServedPort& port : model.inputs()) {
      ADZE_TRY(const Source source, read(name_in(step.inputs, port.name), port));
      stage.inputs.push_back(source);
    }
    last_.clear();
    const int index = static_cast<int>(made_.stages.size());
    for (std::size_t i = 0; i < model.outputs().size(); i++) {
      ServedPort port = model.outputs()[i];
      port.name = name_in(step.outputs, port.name);
      if (tensors_.contains(port.name)) return bad("gives \"", port.name, "\", which there is already");
      last_.push_back(port.name);
      tensors_.emplace(port.name, Named{{index, i}, port});
    }
    made_.stages.push_back(std::move(stage));
    return {};
  }

  Result<Assembly> finish(const std::vector<std::string>& outputs) {
    for (const std::string& name : outputs.empty() ? last_ : outputs) {
      const auto found = tensors_.find(name);
      if (found == tensors_.end() || found->second.source.stage < 0)
        return bad("no step of the pipeline gives \"", name, '"');
      made_.results.push_back(found->second.source);
      made_.outputs.push_back(found->second.port);
    }
    return std::move(made_);
  }

 private:
  // Where a model's input comes from. What no step gave is an input of the pipeline.
  Result<Source> read(const std::string& name, const ServedPort& port) {
    const auto found = tensors_.find(name);
    if (found != tensors_.end()) {
      const ServedPort& given = found->second.port;
      if (given.type != port.type) {
        return bad("input \"", port.name, "\" is of type ", name_of(port.type), ", but \"", name, "\" is of type ",
                   name_of(given.type));
      }
      const bool shared = found->second.source.stage < 0;
      if (shared && given.dims != port.dims)
        return bad("input \"", port.name, "\" shares \"", name, "\", but has another shape");
      return found->second.source;
    }
    const Source source{-1, made_.inputs.size()};
    made_.inputs.push_back(port);
    made_.inputs.back().name = name;
    tensors_.emplace(name, Named{source, made_.inputs.back()});
    return source;
  }

  Assembly made_;
  std::map<std::string, Named> tensors_;
  std::vector<std::string> last_;  // what the last step gives
};

}  // namespace

Result<Assembly> assemble(const Pipeline& pipeline, const std::function<ModelPtr(const std::string& name)>& find) {
  Assembler assembler;
  for (std::size_t i = 0; i < pipeline.steps.size(); i++) {
    const PipelineStep& step = pipeline.steps[i];
    const std::string where = concat("step ", i + 1, " (", step.model, ')');
    const ModelPtr model = find(step.model);
    if (!model) return bad(where, ": there is no such model");
    if (auto added = assembler.add(step, *model); !added) return std::move(added).error().with_context(where);
  }
  return assembler.finish(pipeline.outputs);
}

}  // namespace adze::server
