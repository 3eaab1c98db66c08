#include "graph/passes/pipeline.h"

namespace adze {

Result<void> run_passes(SpecialisedGraph& g, const PassOptions& options) {
  if (!options.optimise) {
    insert_layout(g);
    return {};
  }
  drop_identities(g);
  drop_dead_nodes(g);
  widen_products(g);
  fold_batch_norm(g);
  fuse_gates(g);
  fuse_gelu(g);
  fuse_bias(g);
  fuse_residuals(g);
  fuse_activations(g);
  pool_means(g);
  insert_layout(g);
  sink_transposes(g);
  nest_concats(g);
  absorb_flatten(g);
  read_planar(g);
  if (options.winograd) choose_winograd(g);
  sum_rows_for_pooling(g);
  fold_scales(g);
  fuse_strips(g);
  drop_dead_nodes(g);
  return {};
}

}  // namespace adze
