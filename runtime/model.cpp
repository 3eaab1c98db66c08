#include "runtime/model.h"

#include <algorithm>
#include <deque>

#include "graph/batch/rebatch.h"
#include "graph/constants.h"
#include "graph/onnx/loader.h"
#include "graph/specialised.h"
#include "graph/symbols.h"
#include "runtime/arena.h"
#include "runtime/plan.h"

namespace adze {
namespace {

constexpr std::size_t kMaxPlans = 64;

Result<std::shared_ptr<const Model>> folded(Graph graph, std::string name, const ModelOptions& options) {
  ADZE_CHECK(fold_constants(graph, options.max_memory));
  auto weights = std::make_shared<WeightStore>(options.max_memory, resident_bytes(graph));
  return Model::part(std::move(graph), std::move(name), options, std::move(weights));
}

}  // namespace

struct Model::Cache {
  struct Entry {
    std::vector<InputShape> inputs;
    int threads;
    std::shared_ptr<const Plan> plan;
  };
  std::mutex mutex;
  std::deque<Entry> entries;  // the most recently made last
  std::once_flag proof;
  Result<void> batchable;
};

Model::Model(Graph graph, std::string name, const ModelOptions& options, std::shared_ptr<WeightStore> weights)
    : name_(std::move(name)),
      options_(options),
      graph_(std::move(graph)),
      weights_(std::move(weights)),
      cache_(std::make_unique<Cache>()) {}

Model::~Model() = default;

Result<std::shared_ptr<const Model>> Model::load(const std::string& path, const ModelOptions& options) {
  ADZE_TRY(Graph graph, load_graph(path));
  auto model = folded(std::move(graph), path, options);
  if (!model) return std::move(model).error().with_context(path);
  return model;
}

Result<std::shared_ptr<const Model>> Model::from_bytes(std::span<const std::byte> bytes, std::string name,
                                                       const ModelOptions& options) {
  ADZE_TRY(Graph graph, parse_graph(bytes, name));
  auto model = folded(std::move(graph), name, options);
  if (!model) return std::move(model).error().with_context(name);
  return model;
}

std::shared_ptr<const Model> Model::part(Graph graph, std::string name, const ModelOptions& options,
                                         std::shared_ptr<WeightStore> weights) {
  return std::shared_ptr<const Model>(new Model(std::move(graph), std::move(name), options, std::move(weights)));
}

Result<std::shared_ptr<const Model>> Model::body(Graph graph, std::string name, const ModelOptions& options) {
  for (Port& port : graph.inputs) port.dims.reset();  // what it is given decides
  return folded(std::move(graph), std::move(name), options);
}

bool Model::symbolic_batch() const {
  const auto symbolic = [](const Port& port) {
    return port.dims && !port.dims->empty() && port.dims->front().size < 0;
  };
  return !inputs().empty() && std::ranges::all_of(inputs(), symbolic);
}

Result<void> Model::batchable() const {
  std::call_once(cache_->proof, [&] {
    const auto prove = [&]() -> Result<void> {
      if (symbolic_batch()) return {};
      ADZE_TRY(const auto shapes, default_shapes());
      std::vector<InputShape> one;
      for (const Shape& shape : shapes) one.push_back({shape});
      ADZE_TRY(const auto single, specialise(graph_, one, options_.max_memory));
      ADZE_CHECK(rebatch(single, 2, options_.max_memory));
      return {};
    };
    cache_->batchable = prove();
  });
  return cache_->batchable;
}

Result<std::vector<Shape>> Model::default_shapes(std::int64_t batch) const {
  std::vector<Shape> shapes;
  for (const Port& port : graph_.inputs) {
    if (!port.dims) return make_error(Code::bad_input, name_, ": input \"", value_name(port), "\" declares no shape");
    Shape shape;
    for (const Dim& dim : *port.dims) shape.push_back(dim.size >= 0 ? dim.size : 1);
    if (!port.dims->empty() && shape[0] == 1) shape[0] = batch;
    shapes.push_back(shape);
  }
  return shapes;
}

Result<std::shared_ptr<const Plan>> Model::plan(std::span<const Shape> input_shapes, int threads) const {
  std::vector<InputShape> given;
  for (const Shape& shape : input_shapes) given.push_back({shape});
  return plan(given, threads);
}

Result<std::shared_ptr<const Plan>> Model::plan(std::span<const InputShape> given, int threads) const {
  if (given.size() != inputs().size()) {
    return make_error(Code::bad_input, name_, ": takes ", inputs().size(), " inputs, not ", given.size());
  }
  const std::lock_guard lock(cache_->mutex);
  for (const Cache::Entry& entry : cache_->entries) {
    if (entry.threads == threads && std::ranges::equal(entry.inputs, given)) return entry.plan;
  }
  if (auto checked = check_symbols(graph_, given); !checked) return std::move(checked).error().with_context(name_);
  auto plan = Plan::create(graph_, name_, given, options_, threads, weights_);
  if (!plan) return std::move(plan).error().with_context(name_);
  if (cache_->entries.size() == kMaxPlans) cache_->entries.pop_front();
  cache_->entries.push_back({{given.begin(), given.end()}, threads, *plan});
  return plan;
}

std::size_t Model::weight_bytes() const { return weights_->bytes(); }

}  // namespace adze
