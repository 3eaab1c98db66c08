// Axis attributes, as almost every operator has them.
#pragma once

#include "graph/op.h"

namespace adze {

// Attribute "axis", normalised; error when it is outside [-rank, rank).
inline Result<int> axis_attribute(const Node& node, std::int64_t otherwise, int rank) {
  const std::int64_t axis = node.attributes.integer("axis", otherwise);
  const auto normal = normalise_axis(axis, rank);
  if (!normal) return make_error(Code::invalid_model, "axis ", axis, " is out of range for rank ", rank);
  return *normal;
}

// Axes normalised and checked to be distinct, as a set.
Result<std::vector<bool>> axis_set(std::span<const std::int64_t> axes, int rank);

// OpDef::permute of operators whose only axis is the attribute "axis" with that default.
template <std::int64_t Default>
bool permute_axis(Node& node, std::span<const int> perm) {
  const auto axis = normalise_axis(node.attributes.integer("axis", Default), static_cast<int>(perm.size()));
  for (std::size_t i = 0; axis && i < perm.size(); i++) {
    if (perm[i] == *axis) node.attributes.set("axis", static_cast<std::int64_t>(i));
  }
  return axis.has_value();
}

}  // namespace adze
