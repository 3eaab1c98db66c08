// Decision trees as they are evaluated: all nodes in one array, each tree in the order of a walk that goes down its
// true branches first, and every comparison a mask over "less, equal, greater, missing".
//
// A leaf points at itself, so that several rows can go down a tree in step, each as deep as it needs to.
#pragma once

#include <cstdint>

#include "graph/core/tensor.h"

namespace adze {

// The bits of a test's mask, and the features' place above them.
constexpr std::uint32_t kIfLess = 1, kIfEqual = 2, kIfGreater = 4, kIfMissing = 8;
constexpr int kFeatureShift = 4;
constexpr std::int64_t kMaxTreeFeature = (std::int64_t{1} << (32 - kFeatureShift)) - 1;

template <class T>
struct TreeNode {
  T threshold;
  std::uint32_t test;     // feature and mask
  std::uint32_t next[2];  // where the test holds, where it doesn't
};

template <class T>
struct TreeVote {
  T weight;
  std::uint32_t target;
};

struct TreeRoot {
  std::uint32_t node, depth;  // depth: steps to the farthest leaf
};

struct TreeHeader {
  std::uint32_t nodes, roots, votes, features;
  std::uint32_t wide;  // thresholds and weights are double
  std::uint32_t mask;  // what all tests have in common; 0: they differ
};

// Where the arrays lie behind the header.
template <class T>
struct TreeLayout {
  std::size_t nodes, roots, first_vote, votes, end;

  explicit TreeLayout(const TreeHeader& h)
      : nodes(sizeof(TreeHeader)),
        roots(nodes + h.nodes * sizeof(TreeNode<T>)),
        first_vote(roots + h.roots * sizeof(TreeRoot)),
        votes((first_vote + (h.nodes + std::size_t{1}) * sizeof(std::uint32_t) + 7) / 8 * 8),
        end(votes + h.votes * sizeof(TreeVote<T>)) {}
};
static_assert(sizeof(TreeHeader) % alignof(TreeNode<double>) == 0);

template <class T>
const T* tree_part(const Tensor& bytes, std::size_t offset) {
  return reinterpret_cast<const T*>(bytes.raw() + offset);
}
inline const TreeHeader& header_of(const Tensor& bytes) { return *tree_part<TreeHeader>(bytes, 0); }

}  // namespace adze
