// What an operator is: one OpDef, in one file of graph/ops/ (docs/adding-an-operator.md).
//
//   check     at load, from attributes alone
//   condense  at load too, for operators whose attributes are large: puts them in the form that prepare needs
//   infer     when input shapes are fixed: types and shapes of the outputs
//   prepare   once per plan: chooses kernels, packs weights, returns the Step
//
// An operator whose result's shape follows from its inputs' content, or that runs graphs of its own, has `run_whole`
// in place of infer and prepare: it is called between two plans, with whole tensors.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "graph/choice.h"
#include "graph/core/result.h"
#include "graph/graph.h"
#include "graph/step.h"
#include "kernels/core/isa.h"

namespace adze {

// A value whose type and shape are known; its content only where it is constant or shape arithmetic.
struct TensorInfo {
  DType type = DType::undefined;
  Shape shape;
  const Tensor* value = nullptr;
  std::uint64_t constant_id = 0;  // Value::constant_id of `value`

  std::int64_t elements() const { return shape.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * size_of(type); }
};

class InferContext {
 public:
  // inputs[i] is null where input i is left out.
  InferContext(const Node& node, std::span<const TensorInfo* const> inputs);

  const Node& node;

  int input_count() const { return static_cast<int>(inputs_.size()); }
  bool has(int i) const { return i < input_count() && inputs_[static_cast<std::size_t>(i)] != nullptr; }
  // REQUIRES: has(i)
  const TensorInfo& in(int i) const { return *inputs_[static_cast<std::size_t>(i)]; }
  const Shape& shape(int i) const { return in(i).shape; }
  // The content of an input that shapes depend on. Error unsupported where it is known only at run time; that the
  // input was asked for is noted.
  Result<const Tensor*> known(int i) const;
  // known() of an int32 or int64 input.
  Result<std::vector<std::int64_t>> ints(int i) const;
  // Bit i: input i was asked for and is not known.
  std::uint32_t missing() const { return missing_; }

  int output_count() const { return static_cast<int>(outputs_.size()); }
  // Types are already set, by OpDef::output_type; infer sets the shapes.
  void set_shape(int i, const Shape& shape) {
    if (i < output_count()) outputs_[static_cast<std::size_t>(i)].shape = shape;
  }
  std::span<TensorInfo> outputs() { return outputs_; }
  std::span<const TensorInfo> outputs() const { return outputs_; }
  // For operators whose result follows from shapes alone: its content, with the shape set above.
  void set_value(int i, Tensor value) { values_[static_cast<std::size_t>(i)] = std::move(value); }
  const std::optional<Tensor>& value(int i) const { return values_[static_cast<std::size_t>(i)]; }

 private:
  std::span<const TensorInfo* const> inputs_;
  std::vector<TensorInfo> outputs_;
  std::vector<std::optional<Tensor>> values_;
  mutable std::uint32_t missing_ = 0;
};

// Runs the graphs that a node holds.
class GraphRunner {
 public:
  virtual ~GraphRunner() = default;
  // `inputs` in the order of body.inputs. REQUIRES: `body` outlives the runner.
  virtual Result<std::vector<Tensor>> run(const Graph& body, std::span<const Tensor> inputs) = 0;
};

// What run_whole gets. Types are checked as for other operators, shapes by no one else.
struct WholeCall {
  const Node& node;
  std::span<const Tensor* const> inputs;  // null where left out
  GraphRunner& graphs;
  const CancelFlag& cancel;

  bool has(int i) const { return i < static_cast<int>(inputs.size()) && inputs[static_cast<std::size_t>(i)]; }
  const Tensor& in(int i) const { return *inputs[static_cast<std::size_t>(i)]; }
};

// Keeps what prepare makes of constants for as long as the model lives, shared by all its plans.
class PackedConstants {
 public:
  virtual ~PackedConstants() = default;
  using Fill = std::function<Result<void>(std::byte*)>;
  // The bytes under `key`, 64-byte aligned; `fill` writes them (zeroed before) when the key is new. What it fails to
  // write is not kept.
  virtual Result<const std::byte*> get(const std::string& key, std::size_t bytes, const Fill& fill) = 0;
};

class PrepareContext {
 public:
  PrepareContext(const Node& node, std::span<const TensorInfo* const> inputs, std::span<const TensorInfo> outputs,
                 Isa isa, int threads, PackedConstants& constants, const Choice& choice = {});

  const Node& node;
  const Isa isa;      // variants above it must not be chosen
  const int threads;  // how many will run the step
  const GemmOrder order;

  int input_count() const { return static_cast<int>(inputs_.size()); }
  bool has(int i) const { return i < input_count() && inputs_[static_cast<std::size_t>(i)] != nullptr; }
  const TensorInfo& in(int i) const { return *inputs_[static_cast<std::size_t>(i)]; }
  const TensorInfo& out(int i = 0) const { return outputs_[static_cast<std::size_t>(i)]; }
  std::span<const TensorInfo* const> inputs() const { return inputs_; }
  int output_count() const { return static_cast<int>(outputs_.size()); }
  bool wants_output(int i) const { return i < output_count() && node.outputs[static_cast<std::size_t>(i)] != kNoValue; }

  // For a node that this one runs as a part; both are used within the same call.
  PrepareContext for_part(const Node& part, std::span<const TensorInfo* const> inputs) const {
    return {part, inputs, {}, isa, threads, constants_, {isa, 0, order}};
  }

  // Input i's constant in another form, made once per model. `format` names the form and every parameter it depends on.
  // Constants are in memory only while prepare reads them: a step keeps what pack gives, never their addresses, and
  // `fill` alone touches large ones, so that no later plan reads them again.
  // REQUIRES: in(i).value
  Result<const std::byte*> pack(int i, std::string_view format, std::size_t bytes,
                                const std::function<void(std::byte*)>& fill) const;

 private:
  std::span<const TensorInfo* const> inputs_;
  std::span<const TensorInfo> outputs_;
  PackedConstants& constants_;
};

struct AttrSpec {
  std::string_view name;
  AttrKind kind;
  bool required = false;
  // Range of an integer, or of each of integers.
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

struct Arity {
  int min = 1;
  int max = 1;
};
constexpr int kVariadic = std::numeric_limits<int>::max();

// How an operator sees the order of its data's axes.
enum class LayoutRule {
  plain,          // as ONNX says, nothing else
  channels_last,  // runs only as [n, spatial..., c] on input 0 and every output: the layout pass makes it so
  transparent,    // any order, the same for all inputs and outputs, once `permute` has changed the node
};

struct Lanes;

struct OpDef {
  std::string_view name;
  std::string_view domain = {};   // "" is ai.onnx
  std::span<const int> versions;  // the since-versions that are implemented, ascending
  int removed = 0;                // first opset that has the operator no more; 0: none
  std::span<const AttrSpec> attributes = {};
  Arity inputs = {};
  Arity outputs = {};
  std::span<const TypeMask> input_types;  // allowed types per input; the last entry serves all further inputs
  // An input that allows the same types as input 0 must have its type, unless bit i is set; bit 31 is all from 31 on.
  std::uint32_t own_type = 0;
  // Type of output i; null: that of input 0. Called with all inputs' types, undefined where left out.
  DType (*output_type)(const Node& node, std::span<const DType> inputs, int i) = nullptr;
  Result<void> (*check)(const Node& node) = nullptr;
  // Checks too, and may replace attributes by others under names of its own. Later stages see these alone, and tensors
  // among them are shared by all plans.
  Result<void> (*condense)(Node& node) = nullptr;
  Result<void> (*infer)(InferContext& context) = nullptr;
  Result<Step> (*prepare)(PrepareContext& context) = nullptr;
  Result<std::vector<Tensor>> (*run_whole)(const WholeCall& call) = nullptr;
  bool random = false;  // another result each time: never folded

  // The axes along which a batch can pass (graph/batch/lanes.h); null: none are known. Called after infer. Error
  // bad_input that says why there are none.
  Result<Lanes> (*lanes)(const InferContext& context) = nullptr;

  LayoutRule layout = LayoutRule::plain;
  // transparent only: changes attributes so that the node means the same when axis i of its data is the former axis
  // perm[i]; false: not possible for this node. Null: nothing to change (elementwise).
  bool (*permute)(Node& node, std::span<const int> perm) = nullptr;
  // transparent only: whether the node adds or multiplies up along axes, so that another order of the axes rounds
  // differently. Null: never.
  bool (*accumulates)(const Node& node) = nullptr;

  // Whether prepare would honour Node::activation and, for Conv, MatMul and Gemm, Node::residual; null: never.
  bool (*takes_epilogue)(const Node& node, std::span<const TensorInfo* const> inputs) = nullptr;
  // The activation that this unary node computes, if it may ride in a producer's epilogue.
  std::optional<ActivationArgs> (*as_activation)(const Node& node, const Graph& graph) = nullptr;

  // For docs/operators.md: what ONNX allows and `check`, `infer` or `prepare` refuses. No full stop, no line break.
  std::string_view note = {};
};

// The operator of that domain and name, or null. "ai.onnx" and "" are one domain.
const OpDef* find_op(std::string_view domain, std::string_view name);
// The since-version of `op` that `opset` selects; 0 when there is none: too old, or removed.
int version_for(const OpDef& op, int opset);
// All operators, in the order of their files.
std::vector<const OpDef*> all_ops();

// The types that input i may have.
TypeMask allowed_types(const OpDef& op, std::size_t i);
// Whether input i may have its type beside the others', which are undefined where they are left out or still open.
Result<void> check_type(const OpDef& op, std::span<const DType> types, std::size_t i);
// The same for all inputs; null where left out.
Result<void> check_types(const OpDef& op, std::span<const TensorInfo* const> inputs);
Result<void> check_types(const OpDef& op, std::span<const Tensor* const> inputs);
// Type of output i by op->output_type.
DType output_type(const Node& node, std::span<const DType> inputs, int i);

}  // namespace adze
