#include "graph/tree_ensemble.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "graph/tree_layout.h"

namespace adze {
namespace {

std::uint32_t mask_of(const TreeSource::Node& node) {
  constexpr std::uint32_t kMasks[kTreeModes] = {
      kIfLess | kIfEqual, kIfLess, kIfGreater | kIfEqual, kIfGreater, kIfEqual, kIfLess | kIfGreater, kIfEqual, 0};
  return kMasks[static_cast<std::size_t>(node.mode)] | (node.missing_is_true ? kIfMissing : 0);
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
      if (node.feature < 0 || node.feature > kMaxTreeFeature) {
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
                        feature | (mask_of(node) & (any ? ~0u : kIfMissing)),
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
Tensor write_trees(const TreeSource& source, const Walk& walk, TreeHeader header) {
  std::vector<const TreeSource::Vote*> votes;
  for (const TreeSource::Vote& vote : source.votes) {
    const auto node = static_cast<std::size_t>(vote.node);
    if (walk.reached(node) && source.nodes[node].mode == TreeMode::leaf) votes.push_back(&vote);
  }
  header.votes = static_cast<std::uint32_t>(votes.size());
  const TreeLayout<T> layout(header);
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
  const TreeHeader header{static_cast<std::uint32_t>(walk.nodes()),
                          static_cast<std::uint32_t>(source.roots.size()),
                          0,
                          static_cast<std::uint32_t>(walk.features()),
                          source.wide,
                          0};
  return source.wide ? write_trees<double>(source, walk, header) : write_trees<float>(source, walk, header);
}

std::int64_t features_of(const Tensor& trees) { return header_of(trees).features; }

}  // namespace adze
