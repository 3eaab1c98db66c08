#include "graph/tree_scorer.h"

#include <cmath>
#include <limits>

#include "graph/tree_layout.h"

namespace adze {

TreeScorer::TreeScorer(Tensor trees, std::int64_t targets, Aggregate aggregate, std::vector<double> base)
    : trees_(std::move(trees)), targets_(targets), aggregate_(aggregate), base_(std::move(base)) {}

namespace {

// kIfLess | kIfEqual and kIfLess are what nearly every model has throughout; 0 looks at each node's own mask.
template <std::uint32_t Mask, class T, class X>
bool holds(const TreeNode<T>& node, X value) {
  const auto x = static_cast<std::common_type_t<T, X>>(value);
  const auto t = static_cast<std::common_type_t<T, X>>(node.threshold);
  if constexpr (Mask == (kIfLess | kIfEqual)) return x <= t;
  if constexpr (Mask == kIfLess) return x < t;
  const std::uint32_t relation =
      (x < t ? kIfLess : 0u) | (x == t ? kIfEqual : 0u) | (x > t ? kIfGreater : 0u) | (x != x ? kIfMissing : 0u);
  return (node.test & relation) != 0;
}

// The leaves at which N rows arrive. The rows' steps don't depend on each other, so their loads overlap.
template <std::uint32_t Mask, int N, class T, class X>
void find_leaves(const TreeNode<T>* nodes, TreeRoot root, const X* const* rows, std::uint32_t* leaves) {
  for (int r = 0; r < N; r++) leaves[r] = root.node;
  bool moved = true;
  for (std::uint32_t step = 0; step < root.depth && moved; step++) {
    moved = false;
    for (int r = 0; r < N; r++) {
      const TreeNode<T>& node = nodes[leaves[r]];
      const std::uint32_t next = node.next[!holds<Mask>(node, rows[r][node.test >> kFeatureShift])];
      moved |= next != leaves[r];
      leaves[r] = next;
    }
  }
}

template <std::uint32_t Mask, class T, class X>
void find_leaves(const TreeNode<T>* nodes, TreeRoot root, const X* const* rows, int n, std::uint32_t* leaves) {
  if (n == TreeScorer::kBlock) return find_leaves<Mask, TreeScorer::kBlock>(nodes, root, rows, leaves);
  for (int r = 0; r < n; r++) find_leaves<Mask, 1>(nodes, root, rows + r, leaves + r);
}

}  // namespace

template <class T, class X>
void TreeScorer::descend(const X* const* rows, int n, double* scores) const {
  const TreeHeader& header = header_of(trees_);
  const TreeLayout<T> layout(header);
  const auto* nodes = tree_part<TreeNode<T>>(trees_, layout.nodes);
  const auto* roots = tree_part<TreeRoot>(trees_, layout.roots);
  const auto* first_vote = tree_part<std::uint32_t>(trees_, layout.first_vote);
  const auto* votes = tree_part<TreeVote<T>>(trees_, layout.votes);
  const auto find = header.mask == (kIfLess | kIfEqual) ? &find_leaves<kIfLess | kIfEqual, T, X>
                    : header.mask == kIfLess            ? &find_leaves<kIfLess, T, X>
                                                        : &find_leaves<0u, T, X>;
  std::uint32_t leaves[kBlock];
  for (std::uint32_t t = 0; t < header.roots; t++) {
    find(nodes, roots[t], rows, n, leaves);
    for (int r = 0; r < n; r++) {
      for (std::uint32_t v = first_vote[leaves[r]]; v < first_vote[leaves[r] + 1]; v++) {
        double& score = scores[r * targets_ + votes[v].target];
        const auto weight = static_cast<double>(votes[v].weight);
        score = aggregate_ == Aggregate::min   ? std::min(score, weight)
                : aggregate_ == Aggregate::max ? std::max(score, weight)
                                               : score + weight;
      }
    }
  }
}

void TreeScorer::start(double* scores, int n) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double nothing = aggregate_ == Aggregate::min ? kInfinity : aggregate_ == Aggregate::max ? -kInfinity : 0;
  std::fill_n(scores, n * targets_, nothing);
}

void TreeScorer::finish(double* scores, int n) const {
  const bool extreme = aggregate_ == Aggregate::min || aggregate_ == Aggregate::max;
  for (std::int64_t i = 0; i < n * targets_; i++) {
    if (aggregate_ == Aggregate::average) scores[i] /= header_of(trees_).roots;
    if (extreme && std::isinf(scores[i])) scores[i] = 0;  // no vote for this target
    if (!base_.empty()) scores[i] += base_.size() == 1 ? base_[0] : base_[static_cast<std::size_t>(i % targets_)];
  }
}

std::size_t TreeScorer::scratch_bytes(const FeatureRows& input) const {
  return kBlock * sizeof(double) * static_cast<std::size_t>(targets_ + input.columns);
}

std::int64_t TreeScorer::cost_per_row() const {
  constexpr std::int64_t kStepsPerTree = 8;
  return kStepsPerTree * header_of(trees_).roots + targets_;
}

double* TreeScorer::score(const FeatureRows& input, const Call& call, std::int64_t first, int n) const {
  auto* scores = reinterpret_cast<double*>(call.scratch);
  std::byte* buffer = call.scratch + static_cast<std::size_t>(kBlock * targets_) * sizeof(double);
  start(scores, n);
  const auto with = [&]<class T, class X>(TypeTag<T>, TypeTag<X>) {
    const X* rows[kBlock];
    for (int r = 0; r < n; r++)
      rows[r] = input.row<X>(call, first + r, reinterpret_cast<X*>(buffer) + r * input.columns);
    descend<T, X>(rows, n, scores);
  };
  if (header_of(trees_).wide) {
    with(TypeTag<double>{}, TypeTag<double>{});
  } else if (input.type == DType::f64) {
    with(TypeTag<float>{}, TypeTag<double>{});
  } else {
    with(TypeTag<float>{}, TypeTag<float>{});
  }
  finish(scores, n);
  return scores;
}

}  // namespace adze
