#include "graph/matrix_pairs.h"

#include <algorithm>

namespace adze {

std::pair<std::int64_t, std::int64_t> MatrixPairs::at(std::int64_t index) const {
  std::int64_t a = 0, b = 0;
  for (int axis = batch.rank() - 1; axis >= 0; axis--) {
    const std::int64_t i = index % batch[axis];
    index /= batch[axis];
    a += i * a_step[static_cast<std::size_t>(axis)];
    b += i * b_step[static_cast<std::size_t>(axis)];
  }
  return {a, b};
}

Result<MatrixPairs> matrix_pairs(const Shape& a, const Shape& b, bool trans_a, bool trans_b) {
  if (a.rank() < 1 || b.rank() < 1) return make_error(Code::invalid_model, "an operand is a scalar");
  MatrixPairs p;
  p.one.trans_a = trans_a && a.rank() > 1;
  p.one.trans_b = trans_b && b.rank() > 1;
  p.one.m = a.rank() == 1 ? 1 : a[a.rank() - (p.one.trans_a ? 1 : 2)];
  p.one.k = a[a.rank() - (p.one.trans_a ? 2 : 1)];
  p.one.n = b.rank() == 1 ? 1 : b[b.rank() - (p.one.trans_b ? 2 : 1)];
  const Shape a_batch(a.dims().first(static_cast<std::size_t>(std::max(a.rank() - 2, 0))));
  const Shape b_batch(b.dims().first(static_cast<std::size_t>(std::max(b.rank() - 2, 0))));
  const auto batch = broadcast(a_batch, b_batch);
  if (!batch || b[std::max(b.rank() - (p.one.trans_b ? 1 : 2), 0)] != p.one.k) {
    return make_error(Code::invalid_model, "operands ", to_string(a), " and ", to_string(b), " don't fit");
  }
  p.batch = *batch;
  const auto steps = [&](const Shape& own, std::array<std::int64_t, kMaxRank>& out) {
    const auto strides = own.strides();
    for (int axis = 0; axis < own.rank(); axis++) {
      const int to = p.batch.rank() - own.rank() + axis;
      out[static_cast<std::size_t>(to)] = own[axis] == 1 ? 0 : strides[static_cast<std::size_t>(axis)];
    }
  };
  steps(a_batch, p.a_step);
  steps(b_batch, p.b_step);
  p.result = p.batch;
  if (a.rank() > 1) p.result.push_back(p.one.m);
  if (b.rank() > 1) p.result.push_back(p.one.n);
  return p;
}

Lanes lanes_of_pairs(const InferContext& context, int a, int b) {
  const int left = context.shape(a).rank(), right = context.shape(b).rank();
  constexpr int kRows = -2, kColumns = -3;  // the pairs' axes are named from the right
  const auto names = [](int pairs, std::initializer_list<int> matrix) {
    LaneNames all = lanes_from_right(std::max(pairs, 0));
    all.insert(all.end(), matrix);
    return all;
  };
  Lanes lanes;
  lanes.broadcasts = true;
  lanes.inputs.resize(static_cast<std::size_t>(context.input_count()));
  lanes.inputs[static_cast<std::size_t>(a)] = left == 1 ? LaneNames{kMixed} : names(left - 2, {kRows, kMixed});
  lanes.inputs[static_cast<std::size_t>(b)] = right == 1 ? LaneNames{kMixed} : names(right - 2, {kMixed, kColumns});
  LaneNames result = lanes_from_right(std::max({left - 2, right - 2, 0}));
  if (left > 1) result.push_back(kRows);
  if (right > 1) result.push_back(kColumns);
  lanes.outputs = {std::move(result)};
  return lanes;
}

}  // namespace adze
