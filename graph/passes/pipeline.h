// The passes over a specialised graph. Each keeps the graph's meaning, and every result's bytes unless it says that it
// rounds differently and notes so in SpecialisedGraph::exact. Tests run every model raw and optimised.
#pragma once

#include "graph/specialised.h"

namespace adze {

// Where passes round differently, an output stays within this of what it would be without them, relative to its largest
// value. A model that amplifies rounding errors of its own may go beyond.
constexpr double kPassRounding = 1e-5;

struct PassOptions {
  bool optimise = true;  // false: only what kernels can't do without
  bool winograd = true;  // false: choose_winograd is left out
};
// Runs the whole list.
Result<void> run_passes(SpecialisedGraph& g, const PassOptions& options);

// Removes Identity and Dropout nodes and whatever no output needs.
void drop_identities(SpecialisedGraph& g);
void drop_dead_nodes(SpecialisedGraph& g);

// Products and convolutions of 16-bit floats become f32 ones between casts: only f32 has vector kernels for them. Sums
// round differently.
void widen_products(SpecialisedGraph& g);

// Multiplies a BatchNormalization with constant parameters into the weights of the convolution before it. Rounds
// differently: the factor is rounded into each weight instead of once into each output.
void fold_batch_norm(SpecialisedGraph& g);

// x * Sigmoid(x) becomes Swish(x); x * HardSigmoid(x; 1/6, 1/2) becomes HardSwish(x). Swish rounds once where the two
// nodes round twice, and a slope that is only nearly 1/6 becomes 1/6.
void fuse_gates(SpecialisedGraph& g);

// x / 2 * (1 + Erf(x / sqrt 2)) in its usual forms becomes Gelu(x), which rounds less often.
void fuse_gelu(SpecialisedGraph& g);

// A product with a constant matrix takes the constant row that is added to it as a third input. Rounds differently: the
// sum starts from the row.
void fuse_bias(SpecialisedGraph& g);

// Conv, or a product with a constant matrix, followed by Add: the other summand becomes its residual
// input.
void fuse_residuals(SpecialisedGraph& g);

// An activation after a node with an epilogue becomes part of it.
void fuse_activations(SpecialisedGraph& g);

// The mean of a convolution's output over all spatial axes, by ReduceMean or one window of AveragePool, becomes a
// GlobalAveragePool, which works channels-last. ReduceMean's sums change their order.
void pool_means(SpecialisedGraph& g);

// Puts every channels-last operator between transposes; without this pass such operators can't be prepared.
void insert_layout(SpecialisedGraph& g);

// Moves transposes past operators that work in any axis order, and cancels them where they meet. Sums along axes that
// change their order round differently.
void sink_transposes(SpecialisedGraph& g);

// A Concat that begins with all inputs of one before takes that one's result instead, which can then lie inside its
// own: dense blocks add to the same row of inputs again and again.
void nest_concats(SpecialisedGraph& g);

// A channels-last tensor that is flattened into a matrix product with constant weights: reorders the weights instead.
// Rounds differently: the product sums up in the new order.
void absorb_flatten(SpecialisedGraph& g);

// A convolution of few channels reads the planar image that a transpose made channels-last for it. Rounds differently
// with more than one channel: the sum runs channel by channel.
void read_planar(SpecialisedGraph& g);

// Gives convolutions to Winograd's algorithm where that is faster. Rounds differently: tiles of outputs share sums.
void choose_winograd(SpecialisedGraph& g);

// Squeeze-and-excite blocks. A depthwise convolution whose result is averaged over the image sums up its own rows while
// they are hot, and the pooling adds up the rows. Sums up in another order.
void sum_rows_for_pooling(SpecialisedGraph& g);
// A pointwise convolution of x times one factor per image and channel multiplies its weights instead, where these are
// fewer than x's elements. Rounds differently: the weight's product is rounded and not the pixel's.
void fold_scales(SpecialisedGraph& g);

// Joins depthwise convolutions on large maps with the pointwise ones around them (graph/conv/strips.h).
void fuse_strips(SpecialisedGraph& g);

}  // namespace adze
