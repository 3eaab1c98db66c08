// The models that are served, by name and version, and how they come and go.
//
// Files are loaded, warmed up, published and let go on the loader's thread alone, one after the other; requests look
// models up meanwhile. A version is replaced in one step: whoever holds the old one finishes on it, and its memory is
// freed once nobody does. What can't be loaded leaves untouched what serves.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/model/config.h"
#include "server/model/scan.h"
#include "server/ticker.h"
#include "server/worker.h"

namespace adze::server {

enum class ModelControl {
  none,        // what is there at the start
  by_request,  // what the repository's routes ask for
  watch,       // what the files say, looked at again and again
};

struct RepositoryOptions {
  std::vector<std::pair<std::string, std::string>> models;  // name and path; the first is the default of /predict
  std::string folder;                                       // may be empty
  ModelControl control = ModelControl::none;
  std::vector<std::string> load;  // by request: what of the folder is loaded at the start; "*" is all of it
  std::chrono::milliseconds poll{1000};
  ServedModel::Options model;
  std::function<void(const std::string&)> note;  // told what whoever runs the server should know
};

// States as Triton calls them.
constexpr const char *kReady = "READY", *kLoading = "LOADING", *kUnavailable = "UNAVAILABLE";

struct IndexEntry {
  std::string name, version, state, reason;
};

class Repository {
 public:
  using Answer = std::function<void(const Result<void>&)>;

  Repository(RepositoryOptions options, ServedModel::Complete complete);
  ~Repository();

  // Loads what is to be served at the start and then tells `loaded`, on the loader's thread. It is an error when a
  // model has no version that can be served.
  void start(Answer loaded);
  // Loads everything there is, all that can be, instead of starting. The error is the first one.
  Result<void> check();
  // Lets go of everything; `complete` isn't called afterwards. Models that others hold must have been let go before.
  void close();

  // Thread-safe, as all below. No version: the highest that is ready. Null where there is none.
  ModelPtr find(std::string_view name, std::string_view version) const;
  ModelPtr default_model() const;
  // All that are ready, by name, the highest version first.
  std::vector<ModelPtr> ready() const;
  // Tells all queues how many requests have begun to arrive.
  void set_coming(std::size_t count) const;
  // Whether a version of it is being loaded.
  bool is_loading(std::string_view name) const;
  std::vector<IndexEntry> index() const;

  // Loads what has changed of a model, or all of it where `config` stands in for its config.json. The answer comes on
  // the loader's thread; false when too many wait.
  bool load(const std::string& name, std::optional<std::string> config, Answer answer);
  bool unload(const std::string& name, Answer answer);

 private:
  struct Version {
    std::string state, reason;
    ModelPtr model;
    std::uint64_t print = 0;
    std::shared_ptr<ModelMetrics> metrics;
  };
  struct Entry {
    std::string config, problem;
    std::map<int, Version, std::greater<>> versions;
  };

  Result<std::vector<FoundModel>> look() const;
  Result<std::vector<FoundModel>> look_first() const;
  Result<void> load_first();
  void poll();
  bool submit(Answer answer, std::function<Result<void>()> work);
  Result<void> update(const FoundModel& found);
  Result<void> update_versions(const FoundModel& found, const ModelConfig& config);
  Result<void> update_pipeline(const FoundModel& found, const ModelConfig& config);
  Result<void> link(const std::string& name, const ModelConfig& config);
  void relink();
  Result<void> load_version(const std::string& name, int number, const FoundVersion& found, const ModelConfig& config);
  using Make =
      std::function<Result<std::unique_ptr<ServedModel>>(const ServedModel::Identity&, std::shared_ptr<ModelMetrics>)>;
  Result<void> publish(const std::string& name, int number, std::uint64_t print, const Make& make);
  Result<void> report(const std::string& name, Error error);
  void retire(const std::string& name, const std::function<bool(int)>& gone, const std::string& reason);
  bool serves(const std::string& name) const;
  std::string without_folder(std::string text) const;

  const RepositoryOptions options_;
  const ServedModel::Complete complete_;
  const std::string root_;
  const std::shared_ptr<SharedThreads> threads_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::atomic<bool> closing_{false}, begun_{false}, polling_{false};
  std::atomic<std::size_t> waiting_{0};
  std::map<std::string, FoundModel> seen_, applied_;  // the loader's
  std::map<std::string, ModelConfig> pipelines_;      // the loader's
  std::string complaint_;                             // the loader's: about the folder
  const std::shared_ptr<Worker> reaper_;
  std::unique_ptr<Worker> loader_;
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace adze::server
