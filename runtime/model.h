// Model: a loaded graph with its packed weights, immutable and shared by any number of sessions.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/specialised.h"

namespace adze {

class Plan;
class Tuner;
class WeightStore;

struct ModelOptions {
  bool optimise = true;                           // false: only the passes that kernels can't do without
  bool winograd = true;                           // false: every convolution is summed up directly
  Isa isa = active_isa();                         // no variant above it
  std::size_t max_memory = std::size_t{2} << 30;  // bytes of weights, arena and folded constants together
  std::shared_ptr<Tuner> tuner = nullptr;         // times what doesn't change bytes; null: the shape alone chooses
};

class Model {
 public:
  // Reads and validates a file. Errors name the file, and list everything unsupported at once. The file stays open:
  // large weights are read when a plan packs them, so no plan can be made that needs more of a file that was written
  // to.
  static Result<std::shared_ptr<const Model>> load(const std::string& path, const ModelOptions& options = {});
  // The same from memory; `name` stands for the file in messages. External data is refused, and the weights stay in
  // memory beside their packed form.
  static Result<std::shared_ptr<const Model>> from_bytes(std::span<const std::byte> bytes, std::string name,
                                                         const ModelOptions& options = {});
  // A part of a model as a model of its own, which packs its weights into the same store.
  static std::shared_ptr<const Model> part(Graph graph, std::string name, const ModelOptions& options,
                                           std::shared_ptr<WeightStore> weights);
  // The body of a control-flow operator.
  static Result<std::shared_ptr<const Model>> body(Graph graph, std::string name, const ModelOptions& options);
  ~Model();

  const std::string& name() const { return name_; }
  // Inputs and outputs as the file declares them, symbolic dimensions included.
  const std::vector<Port>& inputs() const { return graph_.inputs; }
  const std::vector<Port>& outputs() const { return graph_.outputs; }
  const std::string& value_name(const Port& port) const { return graph_[port.value].name; }
  const Graph& graph() const { return graph_; }
  const ModelOptions& options() const { return options_; }

  // Whether the first dimension of every input is symbolic.
  bool symbolic_batch() const;
  // Whether inputs may have any first dimension: it is symbolic, or declared as 1 and the rows are proved to keep apart
  // (graph/batch/rebatch.h) for the default shapes. The error says why not. Thread-safe; found out once.
  Result<void> batchable() const;

  // The shapes of the inputs with every symbolic dimension replaced by 1, except the first dimension of each, which
  // becomes `batch` where it is symbolic or 1. Error bad_input where a rank is open.
  Result<std::vector<Shape>> default_shapes(std::int64_t batch = 1) const;

  // The plan for these input shapes, in the order of inputs(); made when it is first asked for, then kept in a small
  // cache. Where first dimensions are declared as 1, other ones are a batch: error bad_input that says why where its
  // rows aren't proved to keep apart. Thread-safe.
  Result<std::shared_ptr<const Plan>> plan(std::span<const InputShape> inputs, int threads) const;
  Result<std::shared_ptr<const Plan>> plan(std::span<const Shape> input_shapes, int threads) const;

  // Bytes of packed weights and constants in memory so far; grows only when a plan needs a form that no plan before it
  // did.
  std::size_t weight_bytes() const;

 private:
  Model(Graph graph, std::string name, const ModelOptions& options, std::shared_ptr<WeightStore> weights);

  std::string name_;
  ModelOptions options_;
  Graph graph_;
  std::shared_ptr<WeightStore> weights_;
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

}  // namespace adze
