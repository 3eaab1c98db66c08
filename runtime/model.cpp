#include "runtime/model.h"

#include <algorithm>
#include <deque>

#include "graph/onnx/loader.h"
#include "graph/specialised.h"
#include "runtime/arena.h"
#include "runtime/plan.h"

namespace adze {
namespace {

constexpr std::size_t kMaxPlans = 64;

}  // namespace

struct Model::Cache {
  struct Entry {
    std::vector<Shape> shapes;
    int threads;
    std::shared_ptr<const Plan> plan;
  };
  std::mutex mutex;
  std::deque<Entry> entries;  // the most recently made last
};

Model::Model(Graph graph, std::string name, const ModelOptions& options)
    : name_(std::move(name)),
      options_(options),
      graph_(std::move(graph)),
      weights_(std::make_unique<WeightStore>(options.max_memory)),
      cache_(std::make_unique<Cache>()) {}

Model::~Model() = default;

Result<std::shared_ptr<const Model>> Model::load(const std::string& path, const ModelOptions& options) {
  ADZE_TRY(Graph graph, load_graph(path));
  if (auto folded = fold_constants(graph, options.max_memory); !folded) {
    return std::move(folded).error().with_context(path);
  }
  return std::shared_ptr<const Model>(new Model(std::move(graph), path, options));
}

Result<std::shared_ptr<const Model>> Model::from_bytes(std::span<const std::byte> bytes, std::string name,
                                                       const ModelOptions& options) {
  ADZE_TRY(Graph graph, parse_graph(bytes, name));
  if (auto folded = fold_constants(graph, options.max_memory); !folded) {
    return std::move(folded).error().with_context(name);
  }
  return std::shared_ptr<const Model>(new Model(std::move(graph), std::move(name), options));
}

Result<std::vector<Shape>> Model::default_shapes(std::int64_t batch) const {
  std::vector<Shape> shapes;
  for (const Port& port : graph_.inputs) {
    if (!port.dims) return make_error(Code::bad_input, name_, ": input \"", value_name(port), "\" declares no shape");
    Shape shape;
    for (const Dim& dim : *port.dims) shape.push_back(dim.size >= 0 ? dim.size : shape.rank() == 0 ? batch : 1);
    shapes.push_back(shape);
  }
  return shapes;
}

Result<std::shared_ptr<const Plan>> Model::plan(std::span<const Shape> input_shapes, int threads) const {
  if (input_shapes.size() != inputs().size()) {
    return make_error(Code::bad_input, name_, ": takes ", inputs().size(), " inputs, not ", input_shapes.size());
  }
  const std::lock_guard lock(cache_->mutex);
  for (const Cache::Entry& entry : cache_->entries) {
    if (entry.threads == threads && std::ranges::equal(entry.shapes, input_shapes)) return entry.plan;
  }
  auto plan = Plan::create(graph_, input_shapes, options_, threads, *weights_);
  if (!plan) return std::move(plan).error().with_context(name_);
  if (cache_->entries.size() == kMaxPlans) cache_->entries.pop_front();
  cache_->entries.push_back({{input_shapes.begin(), input_shapes.end()}, threads, *plan});
  return plan;
}

std::size_t Model::weight_bytes() const { return weights_->bytes(); }

}  // namespace adze
