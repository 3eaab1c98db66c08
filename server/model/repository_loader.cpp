// What happens on the repository's loader thread.
#include <algorithm>
#include <set>

#include "server/model/pipeline.h"
#include "server/model/repository.h"

namespace adze::server {

void Repository::start(Answer loaded) {
  if (options_.control == ModelControl::watch) {
    ticker_ = std::make_unique<Ticker>(options_.poll, [this] {
      if (!begun_ || polling_.exchange(true)) return;
      loader_->post([this] {
        if (!closing_) poll();
        polling_ = false;
      });
    });
  }
  loader_->post([this, loaded = std::move(loaded)] {
    const auto outcome = load_first();
    begun_ = outcome.has_value();
    loaded(outcome);
  });
}

Result<std::vector<FoundModel>> Repository::look() const {
  std::vector<FoundModel> found;
  if (!options_.folder.empty()) {
    ADZE_TRY(found, scan_repository(options_.folder));
  }
  for (const auto& [name, path] : options_.models) {
    if (std::ranges::find(found, name, &FoundModel::name) != found.end())
      return make_error(Code::bad_input, "two models are named \"", name, '"');
    found.push_back(found_file(name, path));
  }
  // Pipelines behind the models that they are made of.
  std::ranges::stable_partition(found, [](const FoundModel& model) { return !model.versions.empty(); });
  return found;
}

Result<std::vector<FoundModel>> Repository::look_first() const {
  for (const auto& [name, path] : options_.models) {
    if (!valid_model_name(name)) {
      return make_error(Code::bad_input, path, ": \"", name,
                        "\" can't be a model's name; use NAME=PATH with letters, digits, '.', '_' and '-'");
    }
  }
  ADZE_TRY(auto found, look());
  if (found.empty() && options_.control != ModelControl::by_request) {
    return options_.folder.empty() ? make_error(Code::bad_input, "no model to serve")
                                   : make_error(Code::bad_input, options_.folder, ": holds no NAME/VERSION/model.onnx");
  }
  return found;
}

Result<void> Repository::check() {
  ADZE_TRY(const auto found, look_first());
  Result<void> verdict;
  for (const FoundModel& model : found) {
    auto loaded = update(model);
    if (!loaded && verdict) verdict = std::move(loaded);
  }
  return verdict;
}

Result<void> Repository::load_first() {
  ADZE_TRY(const auto found, look_first());
  const bool by_request = options_.control == ModelControl::by_request;
  const auto wanted = [&](const std::string& name) {
    if (!by_request ||
        std::ranges::find(options_.models, name, [](auto& file) { return file.first; }) != options_.models.end())
      return true;
    return std::ranges::any_of(options_.load, [&](const auto& load) { return load == "*" || load == name; });
  };
  for (const std::string& name : options_.load) {
    if (name != "*" && std::ranges::find(found, name, &FoundModel::name) == found.end())
      return make_error(Code::bad_input, options_.folder, ": holds no model \"", name, '"');
  }
  for (const FoundModel& model : found) {
    if (closing_) return make_error(Code::cancelled, "the server is shutting down");
    if (!wanted(model.name)) continue;
    auto loaded = update(model);
    if (loaded) continue;
    if (!serves(model.name)) return loaded;
    if (options_.note) options_.note(concat(loaded.error().message, "; \"", model.name, "\" is served without it"));
  }
  return {};
}

// What has changed since it was last loaded and looks the same twice is complete, and loaded; what is gone twice is let
// go.
void Repository::poll() {
  auto looked = look();
  if (!looked) {
    if (looked.error().message != complaint_ && options_.note) options_.note(looked.error().message);
    complaint_ = looked.error().message;
    return;
  }
  complaint_.clear();
  std::map<std::string, FoundModel> now;
  for (const FoundModel& model : *looked) {
    now.emplace(model.name, model);
    const auto seen = seen_.find(model.name);
    if (seen == seen_.end() || seen->second != model) continue;
    const auto applied = applied_.find(model.name);
    if (applied != applied_.end() && applied->second == model) continue;
    if (auto updated = update(model); !updated && options_.note) options_.note(updated.error().message);
  }
  std::vector<std::string> gone;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, entry] : entries_) {
      if (!now.contains(name) && !seen_.contains(name)) gone.push_back(name);
    }
  }
  for (const std::string& name : gone) {
    retire(
        name, [](int) { return true; }, "not in the repository any more");
    const std::lock_guard lock(mutex_);
    entries_.erase(name);
    applied_.erase(name);
  }
  seen_ = std::move(now);
}

Result<void> Repository::update(const FoundModel& found) {
  applied_[found.name] = found;
  if (!found.problem.empty()) return report(found.name, make_error(Code::bad_input, found.problem));
  auto config = parse_config(found.config, options_.model);
  if (!config) return report(found.name, std::move(config).error().with_context(found.name + "/config.json"));
  if (config->pipeline) {
    pipelines_[found.name] = *config;
    return update_pipeline(found, *config);
  }
  pipelines_.erase(found.name);
  auto outcome = update_versions(found, *config);
  relink();
  return outcome;
}

Result<void> Repository::update_pipeline(const FoundModel& found, const ModelConfig& config) {
  const std::string where = found.name + "/config.json";
  if (!found.versions.empty())
    return report(found.name, make_error(Code::bad_input, where, ": a pipeline has no files of its own"));
  auto linked = link(found.name, config);
  if (!linked) return std::move(linked).error().with_context(where);
  const std::lock_guard lock(mutex_);
  entries_[found.name].problem.clear();
  return {};
}

// Makes a pipeline of the models as they are now.
Result<void> Repository::link(const std::string& name, const ModelConfig& config) {
  return publish(name, 1, 0,
                 [&](const ServedModel::Identity& identity,
                     std::shared_ptr<ModelMetrics> metrics) -> Result<std::unique_ptr<ServedModel>> {
                   ADZE_TRY(Assembly assembly,
                            assemble(*config.pipeline, [this](const std::string& step) { return find(step, {}); }));
                   return ServedModel::create(identity, std::move(assembly), config.model, threads_, std::move(metrics),
                                              complete_);
                 });
}

// A pipeline of which a model has been replaced is made anew. It serves on as it is where that fails, or where the
// model is gone.
void Repository::relink() {
  for (const auto& [name, config] : pipelines_) {
    const ModelPtr served = find(name, {});
    if (!served) continue;
    const std::vector<Stage>& stages = served->assembly().stages;
    bool stale = stages.size() != config.pipeline->steps.size();
    for (std::size_t i = 0; !stale && i < stages.size(); i++) {
      const ModelPtr now = find(config.pipeline->steps[i].model, {});
      stale = now && now->assembly().stages[0].model != stages[i].model;
    }
    if (!stale) continue;
    if (const auto linked = link(name, config); !linked && options_.note)
      options_.note(concat(name, ": ", linked.error().message));
  }
}

// Of a model as a whole.
Result<void> Repository::report(const std::string& name, Error error) {
  const std::lock_guard lock(mutex_);
  entries_[name].problem = without_folder(error.message);
  return error;
}

Result<void> Repository::update_versions(const FoundModel& found, const ModelConfig& config) {
  const VersionPolicy& policy = config.versions;
  const bool latest = policy.kind == VersionPolicy::Kind::latest;
  std::set<int, std::greater<>> candidates(policy.versions.begin(), policy.versions.end());
  if (policy.kind != VersionPolicy::Kind::specific) {
    candidates.clear();
    for (const auto& [number, version] : found.versions) candidates.insert(number);
  }
  std::map<int, std::uint64_t> loaded;  // number, print
  bool configured_anew = false;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[found.name];
    entry.problem.clear();
    configured_anew = entry.config != found.config;
    for (const auto& [number, version] : entry.versions) {
      if (version.model) loaded.emplace(number, version.print);
    }
  }
  // A version that can't be loaded doesn't count among the latest: the one below it stays, or takes its place.
  if (latest) {
    for (const auto& [number, print] : loaded) candidates.insert(number);
  }
  const std::size_t want = latest ? policy.count : candidates.size();
  std::set<int> kept;
  Result<void> outcome;
  for (const int number : candidates) {
    if (kept.size() == want || closing_) break;
    const auto file = found.versions.find(number);
    const auto serving = loaded.find(number);
    const bool gone = file == found.versions.end();
    if (serving != loaded.end() && (gone || (serving->second == file->second.print && !configured_anew))) {
      kept.insert(number);
      continue;
    }
    if (gone && latest) continue;
    auto done = gone ? report(found.name, make_error(Code::bad_input, found.name, ": there is no version ", number))
                     : load_version(found.name, number, file->second, config);
    if (done || serving != loaded.end()) kept.insert(number);
    if (!done && outcome) outcome = std::move(done);
  }
  if (!outcome && !latest) {
    for (const auto& [number, print] : loaded) kept.insert(number);
  }
  if (closing_) return outcome;
  retire(
      found.name, [&](int number) { return !kept.contains(number); }, "not among the versions that are served");
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[found.name];
  if (outcome) entry.config = found.config;
  std::erase_if(entry.versions,
                [&](const auto& item) { return !item.second.model && !found.versions.contains(item.first); });
  return outcome;
}

Result<void> Repository::load_version(const std::string& name, int number, const FoundVersion& found,
                                      const ModelConfig& config) {
  return publish(
      name, number, found.print, [&](const ServedModel::Identity& identity, std::shared_ptr<ModelMetrics> metrics) {
        return ServedModel::load(identity, found.path, config.model, threads_, std::move(metrics), complete_);
      });
}

Result<void> Repository::publish(const std::string& name, int number, std::uint64_t print, const Make& make) {
  std::shared_ptr<ModelMetrics> metrics;
  {
    const std::lock_guard lock(mutex_);
    Version& version = entries_[name].versions[number];
    if (!version.metrics) version.metrics = std::make_shared<ModelMetrics>();
    metrics = version.metrics;
    if (!version.model) version.state = kLoading;
  }
  const auto begin = Clock::now();
  auto made = make({name, std::to_string(number)}, metrics);
  metrics->load_nanoseconds = static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - begin).count());
  ModelPtr model, old;
  if (made) {
    if (!(*made)->batched() && options_.note)
      options_.note(concat("requests to \"", name, "\" don't share runs: ", (*made)->alone_because()));
    // Its end takes as long as its last run, and may be asked for on any thread.
    model = ModelPtr(made->release(), [reaper = reaper_](ServedModel* last) { reaper->post([last] { delete last; }); });
  }
  const std::lock_guard lock(mutex_);
  Version& version = entries_[name].versions[number];
  if (!made) {
    version.reason = without_folder(made.error().message);
    version.state = version.model ? kReady : kUnavailable;
    return std::move(made).error();
  }
  if (version.model) version.model->queue().set_coming(0);
  version = {kReady, {}, std::move(model), print, version.metrics};
  return {};
}

void Repository::retire(const std::string& name, const std::function<bool(int)>& gone, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  for (auto& [number, version] : entries_[name].versions) {
    if (!version.model || !gone(number)) continue;
    version.model->queue().set_coming(0);
    version.model.reset();
    version.state = kUnavailable;
    version.reason = reason;
  }
}

std::string Repository::without_folder(std::string text) const {
  for (std::size_t at; !root_.empty() && (at = text.find(root_)) != text.npos;) text.erase(at, root_.size());
  return text;
}

}  // namespace adze::server
