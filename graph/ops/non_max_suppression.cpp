// NonMaxSuppression: per image and class, boxes in the order of their scores, each kept unless it overlaps one kept
// before by more than the threshold. Equal scores keep the order of the boxes.
#include <algorithm>
#include <numeric>

#include "graph/op.h"

namespace adze {
namespace {

struct Box {
  float y0, x0, y1, x1;
  float area() const { return (y1 - y0) * (x1 - x0); }
};

// Corners may come in either order; or the centre and the size.
Box box_at(const float* b, bool centre) {
  if (centre) return {b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2};
  return {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3])};
}

float overlap(const Box& a, const Box& b) {
  const float h = std::min(a.y1, b.y1) - std::max(a.y0, b.y0), w = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (h <= 0 || w <= 0) return 0;
  const float both = h * w, either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

template <class T>
Result<T> scalar(const WholeCall& call, int i, T otherwise) {
  if (!call.has(i)) return otherwise;
  if (call.in(i).type() != dtype_of<T> || call.in(i).elements() != 1) {
    return make_error(Code::bad_input, "input ", i, " must be a single ", name_of(dtype_of<T>));
  }
  return call.in(i).template as<T>()[0];
}

Result<std::vector<Tensor>> run(const WholeCall& call) {
  const Shape &boxes = call.in(0).shape(), &scores = call.in(1).shape();
  if (boxes.rank() != 3 || boxes[2] != 4 || scores.rank() != 3 || scores[0] != boxes[0] || scores[2] != boxes[1]) {
    return make_error(Code::bad_input, "boxes ", to_string(boxes), " and scores ", to_string(scores), " don't fit");
  }
  ADZE_TRY(const std::int64_t most, scalar<std::int64_t>(call, 2, 0));
  ADZE_TRY(const float threshold, scalar<float>(call, 3, 0));
  ADZE_TRY(const float least, scalar<float>(call, 4, 0));
  const bool centre = call.node.attributes.integer("center_point_box", 0) != 0;
  const std::int64_t count = boxes[1];
  std::vector<std::int64_t> selected;
  for (std::int64_t image = 0; image < scores[0]; image++) {
    std::vector<Box> all;
    for (std::int64_t i = 0; i < count; i++) {
      all.push_back(box_at(call.in(0).as<float>().data() + (image * count + i) * 4, centre));
    }
    for (std::int64_t c = 0; c < scores[1]; c++) {
      if (call.cancel.requested()) return make_error(Code::cancelled, "cancelled");
      const float* score = call.in(1).as<float>().data() + (image * scores[1] + c) * count;
      std::vector<std::int64_t> order;
      for (std::int64_t i = 0; i < count; i++) {
        if (!call.has(4) || score[i] > least) order.push_back(i);
      }
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return score[a] > score[b]; });
      std::vector<std::int64_t> kept;
      for (const std::int64_t i : order) {
        if (static_cast<std::int64_t>(kept.size()) >= most) break;
        const bool covered = std::ranges::any_of(kept, [&](std::int64_t k) {
          return overlap(all[static_cast<std::size_t>(k)], all[static_cast<std::size_t>(i)]) > threshold;
        });
        if (covered) continue;
        kept.push_back(i);
        selected.insert(selected.end(), {image, c, i});
      }
    }
  }
  const Shape shape = {static_cast<std::int64_t>(selected.size() / 3), 3};
  return std::vector<Tensor>{Tensor::from<std::int64_t>(shape, selected)};
}

constexpr int kVersions[] = {10, 11};
constexpr AttrSpec kAttributes[] = {{"center_point_box", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kTypes[] = {types(DType::f32), types(DType::f32), types(DType::i64), types(DType::f32)};

constexpr OpDef kOps[] = {{.name = "NonMaxSuppression",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 5},
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::i64; },
                           .run_whole = run}};

}  // namespace
extern const std::span<const OpDef> ops_non_max_suppression;
constinit const std::span<const OpDef> ops_non_max_suppression{kOps};

}  // namespace adze
