// Unique: the different elements, or slices along an axis, in order of value or of first appearance; with the index of
// each first appearance, for each input the index of its equal, and how often each appears.
#include <algorithm>
#include <cstring>

#include "graph/axis.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

Result<std::vector<Tensor>> run(const WholeCall& call) {
  const Tensor& data = call.in(0);
  std::int64_t outer = 1, count = data.elements(), inner = 1;
  Shape shape = {0};
  int axis = 0;
  if (call.node.attributes.has("axis")) {
    ADZE_TRY(axis, axis_attribute(call.node, 0, data.shape().rank()));
    shape = data.shape();
    outer = shape.elements(0, axis);
    count = shape[axis];
    inner = shape.elements(axis + 1, shape.rank());
  }
  std::vector<std::int64_t> first, inverse(static_cast<std::size_t>(count)), counts;
  dispatch(data.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* values = data.as<T>().data();
    const auto at = [&](std::int64_t i, std::int64_t o, std::int64_t k) {
      return static_cast<Compute<T>>(values[(o * count + i) * inner + k]);
    };
    // -1, 0 or 1 by the first element that differs.
    const auto order = [&](std::int64_t a, std::int64_t b) {
      for (std::int64_t o = 0; o < outer; o++) {
        for (std::int64_t k = 0; k < inner; k++) {
          if (at(a, o, k) < at(b, o, k)) return -1;
          if (at(b, o, k) < at(a, o, k)) return 1;
        }
      }
      return 0;
    };
    std::vector<std::int64_t> sorted(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; i++) sorted[static_cast<std::size_t>(i)] = i;
    std::stable_sort(sorted.begin(), sorted.end(), [&](std::int64_t a, std::int64_t b) { return order(a, b) < 0; });
    for (std::size_t i = 0; i < sorted.size(); i++) {
      if (i == 0 || order(sorted[i - 1], sorted[i]) != 0) {
        first.push_back(sorted[i]);
        counts.push_back(0);
      }
      counts.back()++;
      inverse[static_cast<std::size_t>(sorted[i])] = static_cast<std::int64_t>(first.size()) - 1;
    }
  });
  if (!call.node.attributes.integer("sorted", 1)) {
    std::vector<std::int64_t> by_place(first.size()), new_index(first.size());
    for (std::size_t i = 0; i < first.size(); i++) by_place[i] = static_cast<std::int64_t>(i);
    std::sort(by_place.begin(), by_place.end(), [&](std::int64_t a, std::int64_t b) {
      return first[static_cast<std::size_t>(a)] < first[static_cast<std::size_t>(b)];
    });
    std::vector<std::int64_t> old_first = first, old_counts = counts;
    for (std::size_t i = 0; i < by_place.size(); i++) {
      const auto from = static_cast<std::size_t>(by_place[i]);
      first[i] = old_first[from];
      counts[i] = old_counts[from];
      new_index[from] = static_cast<std::int64_t>(i);
    }
    for (std::int64_t& index : inverse) index = new_index[static_cast<std::size_t>(index)];
  }
  shape[axis] = static_cast<std::int64_t>(first.size());
  auto made = Tensor::allocate(data.type(), shape);
  const auto bytes = static_cast<std::size_t>(inner) * size_of(data.type());
  std::byte* dst = made.bytes.data();
  for (std::int64_t o = 0; o < outer && bytes > 0; o++) {
    for (const std::int64_t i : first) {
      std::memcpy(dst, data.raw() + static_cast<std::size_t>(o * count + i) * bytes, bytes);
      dst += bytes;
    }
  }
  std::vector<Tensor> results = {made.tensor, Tensor::from_ints(first), Tensor::from_ints(inverse),
                                 Tensor::from_ints(counts)};
  results.resize(call.node.outputs.size());
  return results;
}

constexpr int kVersions[] = {11, 28};
constexpr AttrSpec kAttributes[] = {{"axis", AttrKind::integer}, {"sorted", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kTypes[] = {kAnyType};

constexpr OpDef kOps[] = {
    {.name = "Unique",
     .versions = kVersions,
     .attributes = kAttributes,
     .outputs = {1, 4},
     .input_types = kTypes,
     .output_type = [](const Node&, std::span<const DType> in, int i) { return i == 0 ? in[0] : DType::i64; },
     .run_whole = run}};

}  // namespace
extern const std::span<const OpDef> ops_unique;
constinit const std::span<const OpDef> ops_unique{kOps};

}  // namespace adze
