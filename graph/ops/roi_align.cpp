// RoiAlign: each region of an image averaged (or its maximum taken) over a grid of bins, sampled between pixels (He et
// al., "Mask R-CNN").
#include <cmath>

#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  DType type;
  std::int64_t n, c, h, w, rois, out_h, out_w, ratio;
  double scale;
  bool half_pixel, maximum;
};

// Version 16 moved the pixels' centres to halves by default.
std::string coordinates_of(const Node& node) {
  return node.version < 16 ? "output_half_pixel"
                           : node.attributes.string("coordinate_transformation_mode", "half_pixel");
}

Result<void> check(const Node& node) {
  const std::string mode = node.attributes.string("mode", "avg"), coordinates = coordinates_of(node);
  if ((mode == "avg" || mode == "max") && (coordinates == "half_pixel" || coordinates == "output_half_pixel"))
    return {};
  return make_error(Code::invalid_model, "attribute \"mode\" or \"coordinate_transformation_mode\" is not known");
}

Result<void> infer(InferContext& context) {
  const Shape &data = context.shape(0), &rois = context.shape(1);
  if (data.rank() != 4 || rois.rank() != 2 || rois[1] != 4 || context.shape(2) != Shape{rois[0]}) {
    return make_error(Code::invalid_model, "regions ", to_string(rois), " don't fit ", to_string(data));
  }
  const Attributes& attributes = context.node.attributes;
  context.set_shape(0,
                    {rois[0], data[1], attributes.integer("output_height", 1), attributes.integer("output_width", 1)});
  return {};
}

// What one sample reads: four pixels and their weights; none where it lies outside.
struct Sample {
  std::int64_t at[4] = {0, 0, 0, 0};
  double weight[4] = {0, 0, 0, 0};
};

Sample sample_at(const Args& a, double y, double x) {
  Sample s;
  if (!(y >= -1 && y <= static_cast<double>(a.h) && x >= -1 && x <= static_cast<double>(a.w))) return s;
  const auto axis = [](double p, std::int64_t size, std::int64_t& low, std::int64_t& high, double& f) {
    p = std::max(p, 0.0);
    low = std::min(static_cast<std::int64_t>(p), size - 1);
    high = std::min(low + 1, size - 1);
    f = low == size - 1 ? 0 : p - static_cast<double>(low);
  };
  std::int64_t y0, y1, x0, x1;
  double fy, fx;
  axis(y, a.h, y0, y1, fy);
  axis(x, a.w, x0, x1, fx);
  return {{y0 * a.w + x0, y0 * a.w + x1, y1 * a.w + x0, y1 * a.w + x1},
          {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx}};
}

template <class T>
void run_as(const Args& a, const Call& call) {
  const auto real = [](const T* p, std::int64_t i) { return static_cast<double>(static_cast<Compute<T>>(p[i])); };
  const double offset = a.half_pixel ? 0.5 : 0;
  const Range rois = call.slice.of(a.rois);
  for (std::int64_t r = rois.begin; r < rois.end && !call.cancel.requested(); r++) {
    const std::int64_t image = call.in<std::int64_t>(2)[r];
    if (image < 0 || image >= a.n) return call.failure.set("a batch index is out of range");
    const T* box = call.in<T>(1) + r * 4;
    const double x0 = real(box, 0) * a.scale - offset, y0 = real(box, 1) * a.scale - offset;
    double w = real(box, 2) * a.scale - offset - x0, h = real(box, 3) * a.scale - offset - y0;
    if (!a.half_pixel) w = std::max(w, 1.0), h = std::max(h, 1.0);
    if (!(std::fabs(w) < 0x1p24 && std::fabs(h) < 0x1p24)) return call.failure.set("a region is out of range");
    const double bin_h = h / static_cast<double>(a.out_h), bin_w = w / static_cast<double>(a.out_w);
    const std::int64_t grid_h = a.ratio ? a.ratio : static_cast<std::int64_t>(std::ceil(bin_h));
    const std::int64_t grid_w = a.ratio ? a.ratio : static_cast<std::int64_t>(std::ceil(bin_w));
    for (std::int64_t c = 0; c < a.c; c++) {
      const T* plane = call.in<T>() + (image * a.c + c) * a.h * a.w;
      for (std::int64_t bin = 0; bin < a.out_h * a.out_w; bin++) {
        const auto by = static_cast<double>(bin / a.out_w), bx = static_cast<double>(bin % a.out_w);
        double sum = 0, most = 0;
        bool any = false;
        for (std::int64_t i = 0; i < grid_h * grid_w && grid_w > 0; i++) {
          const double y = y0 + (by + (static_cast<double>(i / grid_w) + 0.5) / static_cast<double>(grid_h)) * bin_h;
          const double x = x0 + (bx + (static_cast<double>(i % grid_w) + 0.5) / static_cast<double>(grid_w)) * bin_w;
          const Sample s = sample_at(a, y, x);
          for (int k = 0; k < 4; k++) {
            const double value = s.weight[k] * real(plane, s.at[k]);
            sum += value;
            most = any ? std::max(most, value) : value;
            any = true;
          }
        }
        const double result = a.maximum ? most : sum / static_cast<double>(std::max<std::int64_t>(grid_h * grid_w, 1));
        call.out<T>()[(r * a.c + c) * a.out_h * a.out_w + bin] = static_cast<T>(static_cast<Compute<T>>(result));
      }
    }
  }
}

void run(const Args& a, const Call& call) {
  dispatch_float(a.type, [&](auto tag) { run_as<typename decltype(tag)::type>(a, call); });
}

Result<Step> prepare(PrepareContext& context) {
  const Shape &data = context.in(0).shape, &out = context.out().shape;
  const Attributes& attributes = context.node.attributes;
  if (data[2] < 1 || data[3] < 1) return make_error(Code::invalid_model, "the image is empty");
  Step step = make_step<run>(
      Args{context.in(0).type, data[0], data[1], data[2], data[3], out[0], out[2], out[3],
           attributes.integer("sampling_ratio", 0), static_cast<double>(attributes.real("spatial_scale", 1)),
           coordinates_of(context.node) == "half_pixel", attributes.string("mode", "avg") == "max"},
      "roi_align");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(out[0], 1, 256));
  return step;
}

constexpr int kVersions[] = {10, 16, 22};
constexpr AttrSpec kAttributes[] = {
    {"coordinate_transformation_mode", AttrKind::string},     {"mode", AttrKind::string},
    {"output_height", AttrKind::integer, false, 1, 1 << 20},  {"output_width", AttrKind::integer, false, 1, 1 << 20},
    {"sampling_ratio", AttrKind::integer, false, 0, 1 << 12}, {"spatial_scale", AttrKind::real}};
constexpr TypeMask kTypes[] = {kFloats, kFloats, types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "RoiAlign",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {3, 3},
                           .input_types = kTypes,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare}};

}  // namespace
extern const std::span<const OpDef> ops_roi_align;
constinit const std::span<const OpDef> ops_roi_align{kOps};

}  // namespace adze
