// The operator graph: values and the nodes that compute them, in an order that computes each value before its use.
//
// A loaded graph has ONNX's meaning node by node. Shapes are not part of it: they follow from the shapes of the
// inputs, which specialise() fixes (graph/specialise.h).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "graph/core/attributes.h"
#include "graph/core/tensor.h"
#include "kernels/core/activation.h"

namespace adze {

struct OpDef;

using ValueId = std::int32_t;
constexpr ValueId kNoValue = -1;  // an optional input or output that is left out

struct Value {
  std::string name;
  DType type = DType::undefined;
  std::optional<Tensor> constant;  // an initializer's or a folded node's value
  // Names the constant's content within one model, whatever plan it appears in; 0 where its bytes must be compared.
  std::uint64_t constant_id = 0;
};

struct Node {
  std::string name;           // the file's, or OpType_INDEX where the file has none
  const OpDef* op = nullptr;  // never null after loading
  int version = 0;            // the since-version that is in force, one of op->versions
  Attributes attributes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  // Set by passes, never by the loader.
  bool channels_last = false;  // spatial inputs and outputs are [n, spatial..., c] instead of [n, c, spatial...]
  bool planar_source = false;  // of a channels-last convolution: input 0 alone is still [n, c, h, w]
  ActivationArgs activation;   // applied to output 0 last
  int residual = -1;           // the index in `inputs` of a tensor that is added before the activation
  int scale = -1;              // of a convolution of single pixels: the index in `inputs` of [n, 1..., c], by which
                               // the pixels of input 0 are multiplied first
  int winograd = 0;            // outputs of a tile along each axis of a convolution that Winograd's algorithm runs
  std::vector<Node> parts;     // of a node that a pass made of several: they run one after the other, strip by strip
};

// A declared dimension: a size, or a symbol (possibly without a name) with size -1.
struct Dim {
  std::int64_t size = -1;
  std::string symbol;
};

// A graph's input or output as the file declares it.
struct Port {
  ValueId value = kNoValue;
  DType type = DType::undefined;
  std::optional<std::vector<Dim>> dims;  // nothing: even the rank is open
};

struct Graph {
  std::string name;
  std::deque<Value> values;  // a deque: pointers to constants stay valid as values are added
  std::vector<Node> nodes;
  std::vector<Port> inputs;  // without those that have an initializer: their value is fixed
  std::vector<Port> outputs;
  // Of a graph that a node holds: the last inputs take these inputs of the node, values of the graph around it.
  std::vector<int> captured;

  Value& operator[](ValueId id) { return values[static_cast<std::size_t>(id)]; }
  const Value& operator[](ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  ValueId add_value(std::string value_name, DType type);
  ValueId add_constant(std::string value_name, Tensor tensor, std::uint64_t constant_id = 0);
};

}  // namespace adze
