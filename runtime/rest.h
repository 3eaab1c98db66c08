// What a plan leaves over: nodes whose shapes follow from content that only its run gives. They run afterwards, those
// with run_whole at once and the others as a model of their own, planned for the shapes and contents that were found.
#pragma once

#include <memory>
#include <vector>

#include "graph/specialised.h"
#include "runtime/model.h"

namespace adze {

struct Rest {
  // A value between the parts: constant, output `index` of the plan, or made by whole[node].
  struct Source {
    int index = -1;
    int node = -1;
    std::optional<Tensor> constant;
  };
  struct Whole {
    Node node;
    std::vector<Source> inputs;  // null sources (index -1, node -1, no constant) where left out
  };
  struct Input {
    Source source;
    bool content = false;  // shapes follow from it
  };

  std::vector<Whole> whole;            // in order
  std::shared_ptr<const Model> model;  // gives all outputs of the whole
  std::vector<Input> inputs;           // of `model`, in its order
};

// REQUIRES: g.rest is not empty, and no pass has run on g.
Result<std::shared_ptr<const Rest>> make_rest(const SpecialisedGraph& g, const Graph& source, std::string name,
                                              const ModelOptions& options, std::shared_ptr<WeightStore> weights);

}  // namespace adze
