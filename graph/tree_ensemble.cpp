#include "graph/tree_ensemble.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

namespace adze {
namespace {

// The bits of a test's mask, and the features' place above them.
constexpr std::uint32_t kLess = 1, kEqual = 2, kGreater = 4, kMissing = 8;
constexpr int kFeatureShift = 4;
constexpr std::int64_t kMaxFeature = (std::int64_t{1} << (32 - kFeatureShift)) - 1;

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

struct Header {
  std::uint32_t nodes, roots, votes, features;
  std::uint32_t wide;  // thresholds and weights are double
  std::uint32_t mask;  // what all tests have in common; 0: they differ
};

// Where the arrays lie behind the header.
template <class T>
struct Layout {
  std::size_t nodes, roots, first_vote, votes, end;

  explicit Layout(const Header& h)
      : nodes(sizeof(Header)),
        roots(nodes + h.nodes * sizeof(TreeNode<T>)),
        first_vote(roots + h.roots * sizeof(TreeRoot)),
        votes((first_vote + (h.nodes + std::size_t{1}) * sizeof(std::uint32_t) + 7) / 8 * 8),
        end(votes + h.votes * sizeof(TreeVote<T>)) {}
};
static_assert(sizeof(Header) % alignof(TreeNode<double>) == 0);

template <class T>
const T* at(const Tensor& bytes, std::size_t offset) {
  return reinterpret_cast<const T*>(bytes.raw() + offset);
}
const Header& header_of(const Tensor& bytes) { return *at<Header>(bytes, 0); }

std::uint32_t mask_of(const TreeSource::Node& node) {
  constexpr std::uint32_t kMasks[kTreeModes] = {
      kLess | kEqual, kLess, kGreater | kEqual, kGreater, kEqual, kLess | kGreater, kEqual, 0};
  return kMasks[static_cast<std::size_t>(node.mode)] | (node.missing_is_true ? kMissing : 0);
}

// How many nodes it becomes: membership is a chain of comparisons with the same true branch.
std::size_t width_of(const TreeSource::Node& node) {
  return node.mode == TreeMode::member ? std::max<std::size_t>(node.members, 1) : 1;
}

// Walks every tree, depth first, without recursion: files decide how deep they are.
class Walk {
 public:
  explicit Walk(const TreeSource& source) : source_(source), marks_(source.nodes.size()) {}

  Result<void> from(std::int64_t root) {
    ADZE_CHECK(enter(root, "a root"));
    while (!stack_.empty()) {
      const auto [index, next] = stack_.back();
      const TreeSource::Node& node = source_.nodes[index];
      if (next < 2 && node.mode != TreeMode::leaf) {
        stack_.back().child++;
        ADZE_CHECK(enter(node.children[next], "a branch"));
        continue;
      }
      stack_.pop_back();
      Mark& mark = marks_[index];
      mark.state = State::done;
      if (node.mode == TreeMode::leaf) continue;
      for (const std::int64_t child : node.children) {
        mark.depth = std::max(mark.depth, marks_[static_cast<std::size_t>(child)].depth);
      }
      mark.depth += static_cast<std::uint32_t>(width_of(node));
    }
    return {};
  }

  const std::vector<std::size_t>& order() const { return order_; }
  std::size_t nodes() const { return places_; }
  bool reached(std::size_t i) const { return marks_[i].state == State::done; }
  std::uint32_t place(std::int64_t i) const { return marks_[static_cast<std::size_t>(i)].place; }
  std::uint32_t depth(std::int64_t i) const { return marks_[static_cast<std::size_t>(i)].depth; }
  std::int64_t features() const { return features_; }

 private:
  enum class State : std::uint8_t { fresh, open, done };
  struct Mark {
    std::uint32_t place = 0, depth = 0;
    State state = State::fresh;
  };
  struct Frame {
    std::size_t index;
    int child;
  };

  Result<void> enter(std::int64_t index, const char* what) {
    if (index < 0 || index >= static_cast<std::int64_t>(source_.nodes.size())) {
      return make_error(Code::invalid_model, what, " leads to node ", index, " of ", source_.nodes.size());
    }
    const auto i = static_cast<std::size_t>(index);
    if (marks_[i].state == State::open)
      return make_error(Code::invalid_model, "tree node ", index, " is its own child");
    if (marks_[i].state == State::done) return {};
    const TreeSource::Node& node = source_.nodes[i];
    if (node.mode != TreeMode::leaf) {
      if (node.feature < 0 || node.feature > kMaxFeature) {
        return make_error(Code::invalid_model, "tree node ", index, " asks for feature ", node.feature);
      }
      if (node.mode != TreeMode::member && std::isnan(node.threshold)) {
        return make_error(Code::invalid_model, "tree node ", index, " compares with NaN");
      }
      features_ = std::max(features_, node.feature + 1);
    }
    marks_[i].state = State::open;
    marks_[i].place = static_cast<std::uint32_t>(places_);
    places_ += width_of(node);
    if (places_ > std::numeric_limits<std::int32_t>::max())
      return make_error(Code::resource_limit, "too many tree nodes");
    order_.push_back(i);
    stack_.push_back({i, 0});
    return {};
  }

  const TreeSource& source_;
  std::vector<Mark> marks_;
  std::vector<Frame> stack_;
  std::vector<std::size_t> order_;
  std::size_t places_ = 0;
  std::int64_t features_ = 0;
};

template <class T>
void write_node(const TreeSource& source, const Walk& walk, std::size_t index, TreeNode<T>* nodes) {
  const TreeSource::Node& node = source.nodes[index];
  const std::uint32_t place = walk.place(static_cast<std::int64_t>(index));
  if (node.mode == TreeMode::leaf) {
    nodes[place] = {0, 0, {place, place}};
    return;
  }
  const auto feature = static_cast<std::uint32_t>(node.feature) << kFeatureShift;
  const std::uint32_t yes = walk.place(node.children[0]), no = walk.place(node.children[1]);
  if (node.mode != TreeMode::member) {
    nodes[place] = {static_cast<T>(node.threshold), feature | mask_of(node), {yes, no}};
    return;
  }
  const auto width = static_cast<std::uint32_t>(width_of(node));
  for (std::uint32_t i = 0; i < width; i++) {
    const bool any = i < node.members;  // an empty set contains nothing, but a missing value may still be let in
    nodes[place + i] = {any ? static_cast<T>(source.members[node.first_member + i]) : T{0},
                        feature | (mask_of(node) & (any ? ~0u : kMissing)),
                        {yes, i + 1 < width ? place + i + 1 : no}};
  }
}

// What all tests have in common, so that they need not be looked at one by one.
template <class T>
std::uint32_t common_mask(const TreeNode<T>* nodes, std::size_t n) {
  constexpr std::uint32_t kBits = (1u << kFeatureShift) - 1;
  std::optional<std::uint32_t> common;
  for (std::size_t i = 0; i < n; i++) {
    const std::uint32_t mask = nodes[i].test & kBits;
    if (nodes[i].next[0] == i) continue;
    if (common.value_or(mask) != mask) return 0;
    common = mask;
  }
  return common.value_or(0);
}

template <class T>
Tensor write_trees(const TreeSource& source, const Walk& walk, Header header) {
  std::vector<const TreeSource::Vote*> votes;
  for (const TreeSource::Vote& vote : source.votes) {
    const auto node = static_cast<std::size_t>(vote.node);
    if (walk.reached(node) && source.nodes[node].mode == TreeMode::leaf) votes.push_back(&vote);
  }
  header.votes = static_cast<std::uint32_t>(votes.size());
  const Layout<T> layout(header);
  auto made = Tensor::allocate(DType::u8, {static_cast<std::int64_t>(layout.end)});
  auto* nodes = reinterpret_cast<TreeNode<T>*>(made.bytes.data() + layout.nodes);
  for (const std::size_t index : walk.order()) write_node(source, walk, index, nodes);
  header.mask = common_mask(nodes, header.nodes);
  std::memcpy(made.bytes.data(), &header, sizeof header);
  auto* roots = reinterpret_cast<TreeRoot*>(made.bytes.data() + layout.roots);
  for (const std::int64_t root : source.roots) *roots++ = {walk.place(root), walk.depth(root)};
  // A leaf's votes side by side, in the order of the file: first counted, then placed.
  auto* first = reinterpret_cast<std::uint32_t*>(made.bytes.data() + layout.first_vote);
  for (const auto* vote : votes) first[walk.place(vote->node) + 1]++;
  for (std::size_t i = 0; i < header.nodes; i++) first[i + 1] += first[i];
  std::vector<std::uint32_t> next(first, first + header.nodes);
  auto* placed = reinterpret_cast<TreeVote<T>*>(made.bytes.data() + layout.votes);
  for (const auto* vote : votes) {
    placed[next[walk.place(vote->node)]++] = {static_cast<T>(vote->weight), static_cast<std::uint32_t>(vote->target)};
  }
  return made.tensor;
}

}  // namespace

Result<Tensor> condense_trees(const TreeSource& source, std::int64_t targets) {
  for (const TreeSource::Vote& vote : source.votes) {
    if (vote.node < 0 || vote.node >= static_cast<std::int64_t>(source.nodes.size())) {
      return make_error(Code::invalid_model, "a weight belongs to tree node ", vote.node, " of ", source.nodes.size());
    }
    if (vote.target < 0 || vote.target >= targets) {
      return make_error(Code::invalid_model, "a weight belongs to target ", vote.target, " of ", targets);
    }
  }
  if (source.roots.empty()) return make_error(Code::invalid_model, "there is no tree");
  Walk walk(source);
  for (const std::int64_t root : source.roots) ADZE_CHECK(walk.from(root));
  const Header header{static_cast<std::uint32_t>(walk.nodes()),
                      static_cast<std::uint32_t>(source.roots.size()),
                      0,
                      static_cast<std::uint32_t>(walk.features()),
                      source.wide,
                      0};
  return source.wide ? write_trees<double>(source, walk, header) : write_trees<float>(source, walk, header);
}

std::int64_t features_of(const Tensor& trees) { return header_of(trees).features; }

// ---- evaluation -----------------------------------------------------------------------------------------------------

TreeScorer::TreeScorer(Tensor trees, std::int64_t targets, Aggregate aggregate, std::vector<double> base)
    : trees_(std::move(trees)), targets_(targets), aggregate_(aggregate), base_(std::move(base)) {}

namespace {

// kLess | kEqual and kLess are what nearly every model has throughout; 0 looks at each node's own mask.
template <std::uint32_t Mask, class T, class X>
bool holds(const TreeNode<T>& node, X value) {
  const auto x = static_cast<std::common_type_t<T, X>>(value);
  const auto t = static_cast<std::common_type_t<T, X>>(node.threshold);
  if constexpr (Mask == (kLess | kEqual)) return x <= t;
  if constexpr (Mask == kLess) return x < t;
  const std::uint32_t relation =
      (x < t ? kLess : 0u) | (x == t ? kEqual : 0u) | (x > t ? kGreater : 0u) | (x != x ? kMissing : 0u);
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
  const Header& header = header_of(trees_);
  const Layout<T> layout(header);
  const auto* nodes = at<TreeNode<T>>(trees_, layout.nodes);
  const auto* roots = at<TreeRoot>(trees_, layout.roots);
  const auto* first_vote = at<std::uint32_t>(trees_, layout.first_vote);
  const auto* votes = at<TreeVote<T>>(trees_, layout.votes);
  const auto find = header.mask == (kLess | kEqual) ? &find_leaves<kLess | kEqual, T, X>
                    : header.mask == kLess          ? &find_leaves<kLess, T, X>
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
