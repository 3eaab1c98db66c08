// What the constants of a graph take of memory. Large ones are deferred: they are there while something reads them, and
// whoever made them be there gives them up again.
#pragma once

#include "graph/graph.h"

namespace adze {

// Gives up the bytes of the value's constant, if they can be made again. The error of having made them, if there was
// one: what was read of it was wrong then.
Result<void> release(Value& value);
Result<void> release_constants(Graph& graph);

// Error resource_limit when a constant of the graph, or of one inside it, is larger than `max_bytes`.
Result<void> check_constant_sizes(const Graph& graph, std::size_t max_bytes);

// Bytes of the constants that are in memory for good, without those of graphs inside.
std::size_t resident_bytes(const Graph& graph);

// Takes the constants away that no node and no output reads.
void drop_unread_constants(Graph& graph);

}  // namespace adze
