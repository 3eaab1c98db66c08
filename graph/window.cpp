#include "graph/window.h"

namespace adze {
namespace {

Result<std::vector<std::int64_t>> per_axis(const Node& node, std::string_view name, std::size_t count,
                                           std::vector<std::int64_t> otherwise) {
  auto values = node.attributes.integers(name, std::move(otherwise));
  if (values.size() != count) {
    return make_error(Code::invalid_model, "attribute \"", name, "\" has ", values.size(), " entries, not ", count);
  }
  return values;
}

}  // namespace

Result<Image> Image::of(const Shape& shape, bool channels_last) {
  const int rank = shape.rank();
  if (rank < 3) return make_error(Code::invalid_model, "rank ", rank, " is below 3");
  if (rank > 2 + kSpatial) return make_error(Code::unsupported, "rank ", rank, " is above ", 2 + kSpatial);
  Image image{shape[0], channels_last ? shape.back() : shape[1], {}};
  const int first = channels_last ? 1 : 2;
  for (int axis = first; axis < first + rank - 2; axis++) image.spatial.push_back(shape[axis]);
  return image;
}

Shape Image::shape(bool channels_last) const {
  Shape result{n};
  if (!channels_last) result.push_back(c);
  for (const std::int64_t size : spatial) result.push_back(size);
  if (channels_last) result.push_back(c);
  return result;
}

Spatial padded(const std::vector<std::int64_t>& values, std::int64_t fill) {
  Spatial result = {fill, fill, fill};
  std::copy(values.begin(), values.end(), result.end() - static_cast<std::ptrdiff_t>(values.size()));
  return result;
}

Result<Window> read_window(const Node& node, int axes, const std::vector<std::int64_t>& kernel) {
  const auto n = static_cast<std::size_t>(axes);
  Window window;
  ADZE_TRY(window.kernel, per_axis(node, "kernel_shape", n, kernel));
  if (!kernel.empty() && window.kernel != kernel) {
    return make_error(Code::invalid_model, "attribute \"kernel_shape\" differs from the weights' shape");
  }
  ADZE_TRY(window.stride, per_axis(node, "strides", n, std::vector<std::int64_t>(n, 1)));
  ADZE_TRY(window.dilation, per_axis(node, "dilations", n, std::vector<std::int64_t>(n, 1)));
  ADZE_TRY(const auto pads, per_axis(node, "pads", 2 * n, std::vector<std::int64_t>(2 * n, 0)));
  window.pad_begin.assign(pads.begin(), pads.begin() + axes);
  window.pad_end.assign(pads.begin() + axes, pads.end());
  return window;
}

Result<std::vector<std::int64_t>> slide(const Node& node, Window& window, const std::vector<std::int64_t>& in,
                                        bool ceil_mode) {
  const std::string auto_pad = node.attributes.string("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "VALID" && auto_pad != "NOTSET") {
    return make_error(Code::invalid_model, "attribute \"auto_pad\" is \"", auto_pad, '"');
  }
  std::vector<std::int64_t> out;
  for (std::size_t axis = 0; axis < in.size(); axis++) {
    const std::int64_t stride = window.stride[axis], reach = window.reach(axis);
    std::int64_t &begin = window.pad_begin[axis], &end = window.pad_end[axis];
    if (auto_pad != "NOTSET") begin = end = 0;
    if (same) {
      const std::int64_t positions = (in[axis] + stride - 1) / stride;
      const std::int64_t total = std::max<std::int64_t>(0, (positions - 1) * stride + reach - in[axis]);
      begin = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      end = total - begin;
      out.push_back(positions);
      continue;
    }
    const std::int64_t room = in[axis] + begin + end - reach;
    if (room < 0) {
      return make_error(Code::invalid_model, "the window spans ", reach, " elements of axis ", axis, ", which has ",
                        in[axis] + begin + end, " with padding");
    }
    // With VALID the formulas for either rounding come to the same.
    const bool up = ceil_mode && auto_pad != "VALID";
    std::int64_t positions = (up ? (room + stride - 1) / stride : room / stride) + 1;
    if (up && (positions - 1) * stride >= in[axis] + begin) positions--;
    out.push_back(positions);
  }
  return out;
}

Result<void> check_padding(const Window& window) {
  for (std::size_t axis = 0; axis < window.kernel.size(); axis++) {
    const std::int64_t reach = window.reach(axis);
    if (window.pad_begin[axis] < 0 || window.pad_end[axis] < 0 || window.pad_begin[axis] >= reach) {
      return make_error(Code::invalid_model, "padding ", window.pad_begin[axis], " of axis ", axis,
                        " doesn't fit a window of ", reach);
    }
  }
  return {};
}

}  // namespace adze
