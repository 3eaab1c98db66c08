// Plan: a model prepared for concrete input shapes. Every step, every buffer's place in the arena, and how many bytes
// that takes are known before the first run. Immutable, shared by sessions.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/specialised.h"
#include "runtime/arena.h"
#include "runtime/model.h"

namespace adze {

// Where a tensor's bytes are: in the arena, in the caller's or the arena's copy of a graph input, or constant.
struct Place {
  enum class Kind { none, arena, input, constant };
  Kind kind = Kind::none;
  std::size_t offset = 0;               // arena
  int input = -1;                       // input
  const std::byte* constant = nullptr;  // constant
};

struct PlanStep {
  Step step;
  std::string name;  // the node's
  std::string_view op;
  std::vector<TensorInfo> inputs;  // without those left out
  std::vector<TensorInfo> outputs;
  int first_input = 0;  // index of its first place in Plan::places()
  int first_output = 0;
  int parts = 1;         // threads that take part
  bool barrier = false;  // all threads meet before it
};

struct Rest;
struct StepCost;

class Plan {
 public:
  static Result<std::shared_ptr<const Plan>> create(const Graph& graph, const std::string& name,
                                                    std::span<const InputShape> inputs, const ModelOptions& options,
                                                    int threads, const std::shared_ptr<WeightStore>& weights);

  // The steps that run, without those that have nothing to do (BufferPlan::idle).
  std::span<const PlanStep> steps() const { return steps_; }
  // The places of all steps' inputs and outputs, step by step.
  std::span<const Place> places() const { return places_; }
  // For each of these, Call::in_pitches or out_pitches.
  std::span<const std::int64_t> pitches() const { return pitches_; }
  std::span<const TensorInfo> inputs() const { return inputs_; }
  std::span<const TensorInfo> outputs() const { return outputs_; }
  std::span<const Place> input_places() const { return input_places_; }
  std::span<const Place> output_places() const { return output_places_; }

  // What must run afterwards, or null: then outputs() are the model's.
  const Rest* rest() const { return rest_.get(); }

  // Whether every output has the bytes that it would have without the optimising passes; else kPassRounding holds.
  bool exact() const { return exact_; }
  int threads() const { return threads_; }
  bool parallel() const { return parallel_; }  // false: no step uses more than one thread
  // Intermediate tensors, inputs, and every thread's scratch.
  std::size_t arena_bytes() const { return arena_bytes_; }
  // Constants that follow from the input shapes, so that no other plan has them.
  std::size_t constant_bytes() const { return constant_bytes_; }
  // Where thread `part` finds its scratch in the arena.
  std::size_t scratch_offset(int part) const {
    return scratch_offset_ + scratch_bytes_ * static_cast<std::size_t>(part);
  }
  double flops() const;

 private:
  Plan() = default;
  // Where a constant that steps read as it is stays: a deferred one in the store, for all plans, any other where it is.
  Result<const std::byte*> keep(const Value& value, WeightStore& weights);
  // Fixes how many threads run each step, and where they meet.
  void share_out(std::span<const StepCost> costs, int threads);

  std::vector<PlanStep> steps_;
  std::vector<Place> places_, input_places_, output_places_;
  std::vector<std::int64_t> pitches_;
  std::vector<TensorInfo> inputs_, outputs_;
  std::shared_ptr<const Rest> rest_;
  std::vector<Tensor> constants_;  // keeps alive what places point to
  int threads_ = 1;
  bool parallel_ = false, exact_ = true;
  std::size_t arena_bytes_ = 0, scratch_offset_ = 0, scratch_bytes_ = 0, constant_bytes_ = 0;
};

}  // namespace adze
