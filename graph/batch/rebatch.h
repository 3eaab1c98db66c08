// A model that was exported for one row, run on many: the proof that its rows keep apart, and the graph for them.
//
// At one row every value is either constant or the row's. Walking the graph, each value that is the row's is given a
// place for the batch (graph/batch/place.h): its elements, seen as [before, after], become [before, rows, after].
// Whether a node keeps the rows apart there, and where its results have them, follows from its lanes
// (graph/batch/lanes.h). Where a Reshape leaves several places that differ only in shape, the next node may choose.
// What the file hard-codes for one row (Reshape targets, sizes, initial states) is rewritten on the way; whatever was
// computed from shapes keeps its value for one row. So row i of every output is what row i of the inputs alone gives.
#pragma once

#include "graph/specialised.h"

namespace adze {

// `one`, specialised for inputs whose first dimension is 1, for inputs of `rows` there. Error bad_input, which names
// the node and why, where the rows can't be shown to keep apart.
Result<SpecialisedGraph> rebatch(const SpecialisedGraph& one, std::int64_t rows, std::size_t max_bytes);

// specialise(), but where a graph's input declares a first dimension of 1 and is given another, all are seen as a
// batch. So they are where all first dimensions are symbolic and the graph as it stands doesn't allow what is given:
// what was exported with a symbolic batch may still hold states of one row.
Result<SpecialisedGraph> specialise_batch(const Graph& graph, std::span<const InputShape> inputs,
                                          std::size_t max_bytes);

}  // namespace adze
