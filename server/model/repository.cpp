#include "server/model/repository.h"

#include <algorithm>
#include <filesystem>
#include <future>

namespace adze::server {
namespace {

constexpr std::size_t kMaxWaiting = 64;
// What paths of files in the folder begin with: nothing that clients should see.
std::string root_of(const std::string& folder) {
  std::error_code error;
  const auto root = std::filesystem::canonical(folder, error);
  return error ? std::string() : root.string() + "/";
}

}  // namespace

Repository::Repository(RepositoryOptions options, ServedModel::Complete complete)
    : options_(std::move(options)),
      complete_(std::move(complete)),
      root_(root_of(options_.folder)),
      threads_(std::make_shared<SharedThreads>(options_.model.threads)),
      reaper_(std::make_shared<Worker>()),
      loader_(std::make_unique<Worker>()) {}

Repository::~Repository() { close(); }

void Repository::close() {
  closing_ = true;
  ticker_.reset();
  loader_.reset();
  {
    std::map<std::string, Entry, std::less<>> entries;
    const std::lock_guard lock(mutex_);
    entries.swap(entries_);
    for (auto& [name, entry] : entries) {
      for (auto& [number, version] : entry.versions) version.model.reset();
    }
  }
  std::promise<void> reaped;
  reaper_->post([&] { reaped.set_value(); });
  reaped.get_future().wait();
}

// Requests to it.

bool Repository::submit(Answer answer, std::function<Result<void>()> work) {
  if (waiting_.fetch_add(1) >= kMaxWaiting) {
    waiting_--;
    return false;
  }
  loader_->post([this, answer = std::move(answer), work = std::move(work)] {
    auto outcome = closing_ ? make_error(Code::cancelled, "the server is shutting down") : work();
    waiting_--;
    if (!outcome) outcome.error().message = without_folder(outcome.error().message);
    answer(outcome);
  });
  return true;
}

bool Repository::load(const std::string& name, std::optional<std::string> config, Answer answer) {
  return submit(std::move(answer), [this, name, config = std::move(config)]() -> Result<void> {
    ADZE_TRY(auto models, look());
    const auto found = std::ranges::find(models, name, &FoundModel::name);
    if (found == models.end()) return make_error(Code::bad_input, "the repository holds no model \"", name, '"');
    if (config) found->config = *config;
    return update(*found);
  });
}

bool Repository::unload(const std::string& name, Answer answer) {
  return submit(std::move(answer), [this, name]() -> Result<void> {
    if (!serves(name)) return make_error(Code::bad_input, "no model \"", name, "\" is loaded");
    retire(
        name, [](int) { return true; }, "unloaded");
    return {};
  });
}

std::vector<IndexEntry> Repository::index() const {
  std::vector<IndexEntry> result;
  const auto found = look();
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    if (!entry.problem.empty()) result.push_back({name, "", kUnavailable, entry.problem});
    for (const auto& [number, version] : entry.versions)
      result.push_back({name, std::to_string(number), version.state, version.reason});
  }
  if (!found) return result;
  for (const FoundModel& model : *found) {
    const auto entry = entries_.find(model.name);
    if (entry == entries_.end() && !model.problem.empty())
      result.push_back({model.name, "", kUnavailable, without_folder(model.problem)});
    for (const auto& [number, version] : model.versions) {
      if (entry == entries_.end() || !entry->second.versions.contains(number))
        result.push_back({model.name, std::to_string(number), kUnavailable, "not loaded"});
    }
  }
  return result;
}

// Requests to models.

bool Repository::serves(const std::string& name) const { return find(name, {}) != nullptr; }

ModelPtr Repository::find(std::string_view name, std::string_view version) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return nullptr;
  for (const auto& [number, candidate] : entry->second.versions) {
    if (candidate.model && (version.empty() || candidate.model->version() == version)) return candidate.model;
  }
  return nullptr;
}

ModelPtr Repository::default_model() const {
  if (!options_.models.empty()) return find(options_.models.front().first, {});
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    for (const auto& [number, version] : entry.versions) {
      if (version.model) return version.model;
    }
  }
  return nullptr;
}

std::vector<ModelPtr> Repository::ready() const {
  std::vector<ModelPtr> models;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    for (const auto& [number, version] : entry.versions) {
      if (version.model) models.push_back(version.model);
    }
  }
  return models;
}

void Repository::set_coming(std::size_t count) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    for (const auto& [number, version] : entry.versions) {
      if (version.model) version.model->queue().set_coming(count);
    }
  }
}

bool Repository::is_loading(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(name);
  return entry != entries_.end() &&
         std::ranges::any_of(entry->second.versions, [](const auto& item) { return item.second.state == kLoading; });
}

}  // namespace adze::server
