// Lanes: the axes along which a node works position by position. Where an axis of an input and one of an output have
// one name, what lies at position i of it in the output depends only on what lies at position i in the input, in the
// same way and to the last bit for every i, however long the axis is. A batch can pass along any of them.
#pragma once

#include <vector>

#include "graph/axis.h"

namespace adze {

using LaneNames = std::vector<int>;  // one per axis
constexpr int kMixed = -1;           // the name of an axis whose positions act on each other

struct Lanes {
  // Shorter lists, or a tensor without names: an input that acts on all lanes alike, an output that follows none.
  std::vector<LaneNames> inputs, outputs;
  bool broadcasts = false;  // an input's axis of size 1 is stretched
  int typing = -1;          // this input says a type; its content doesn't matter
  bool reshapes = false;    // output 0 is input 0's elements, in their order, under another shape; no names

  // Inputs whose content lists sizes: in their place come `values`, each growing with the axis of its name.
  struct Sizes {
    int input;
    LaneNames names;
    std::vector<std::int64_t> values;
  };
  std::vector<Sizes> sizes;
};

// The set of axes from `axis` on.
std::vector<bool> axes_from(int axis, int rank);

// Each axis a lane of its own, named by its distance from the first, or from the last as broadcasting aligns them.
LaneNames lanes_from_left(int rank);
LaneNames lanes_from_right(int rank);
// One lane, named 0, at `axis`.
LaneNames single_lane(int rank, int axis);

// Input 0 under another shape.
Result<Lanes> lanes_reshaped(const InferContext& context);
// The first `inputs` inputs and all outputs have the same axes; those of `mixed`, by axis, are no lanes.
Lanes lanes_except(const InferContext& context, const std::vector<bool>& mixed, int inputs = 1);
// The same with one mixed axis.
Lanes lanes_except(const InferContext& context, int mixed, int inputs = 1);
// Input 0 has the axes `names`; the outputs have them without those that are `gone`.
Lanes lanes_reduced(const InferContext& context, LaneNames names, const std::vector<bool>& gone);
// Images, sequences: the first axis of `inputs` and of all outputs.
Lanes first_axis_lane(const InferContext& context, std::span<const int> inputs);

// OpDef::lanes of operators that see their data inputs as rows along the first axis.
template <int... Inputs>
Result<Lanes> lanes_by_row(const InferContext& context) {
  constexpr int kInputs[] = {Inputs...};
  return first_axis_lane(context, kInputs);
}

// OpDef::lanes of operators that mix along the axis of attribute "axis" with that default. Inputs 0: all of them.
template <std::int64_t Default, int Inputs = 1>
Result<Lanes> lanes_but_axis(const InferContext& context) {
  ADZE_TRY(const int axis, axis_attribute(context.node, Default, context.shape(0).rank()));
  return lanes_except(context, axis, Inputs ? Inputs : context.input_count());
}

}  // namespace adze
