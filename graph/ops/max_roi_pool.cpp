// MaxRoiPool: the maximum over each of a grid of bins of a region (Girshick, "Fast R-CNN"). A region's corners are
// rounded to pixels and both belong to it; bins that don't divide it evenly overlap. A bin outside the image gives 0.
#include <cmath>
#include <limits>

#include "graph/elementwise.h"

namespace adze {
namespace {

struct Args {
  DType type;
  std::int64_t n, c, h, w, rois, out_h, out_w;
  double scale;
};

Result<void> infer(InferContext& context) {
  const Shape &data = context.shape(0), &rois = context.shape(1);
  const auto pooled = context.node.attributes.integers("pooled_shape");
  if (pooled.size() != 2) return make_error(Code::invalid_model, "attribute \"pooled_shape\" has not two entries");
  if (data.rank() != 4 || rois.rank() != 2 || rois[1] != 5)
    return make_error(Code::invalid_model, "regions ", to_string(rois), " don't fit ", to_string(data));
  if (context.in(0).type != context.in(1).type)
    return make_error(Code::invalid_model, "data and regions differ in type");
  context.set_shape(0, {rois[0], data[1], pooled[0], pooled[1]});
  return {};
}

// A region's extent along one axis, in pixels; the last one included.
struct Extent {
  std::int64_t first = 0, size = 1;

  // The pixels of bin `i` of `bins` that lie inside the image.
  Range bin(std::int64_t i, std::int64_t bins, std::int64_t image) const {
    const std::int64_t begin = first + i * size / bins, end = first + ((i + 1) * size + bins - 1) / bins;
    return {std::clamp<std::int64_t>(begin, 0, image), std::clamp<std::int64_t>(end, 0, image)};
  }
};

template <class T>
void run_as(const Args& a, const Call& call) {
  const auto real = [](T value) { return static_cast<double>(static_cast<Compute<T>>(value)); };
  const Range rois = call.slice.of(a.rois);
  for (std::int64_t r = rois.begin; r < rois.end && !call.cancel.requested(); r++) {
    const T* box = call.in<T>(1) + r * 5;
    double corner[4];
    for (int i = 0; i < 4; i++) {
      corner[i] = std::round(real(box[i + 1]) * a.scale);
      if (!(std::fabs(corner[i]) < 0x1p24)) return call.failure.set("a region is out of range");
    }
    const double image = real(box[0]);
    if (!(image >= 0 && image < static_cast<double>(a.n))) return call.failure.set("a batch index is out of range");
    const auto extent = [&](int from, int to) {
      return Extent{static_cast<std::int64_t>(corner[from]),
                    std::max<std::int64_t>(static_cast<std::int64_t>(corner[to] - corner[from]) + 1, 1)};
    };
    const Extent columns = extent(0, 2), rows = extent(1, 3);
    for (std::int64_t c = 0; c < a.c; c++) {
      const T* plane = call.in<T>() + (static_cast<std::int64_t>(image) * a.c + c) * a.h * a.w;
      T* out = call.out<T>() + (r * a.c + c) * a.out_h * a.out_w;
      for (std::int64_t bin = 0; bin < a.out_h * a.out_w; bin++) {
        const Range y = rows.bin(bin / a.out_w, a.out_h, a.h), x = columns.bin(bin % a.out_w, a.out_w, a.w);
        double most = y.empty() || x.empty() ? 0 : -std::numeric_limits<double>::infinity();
        for (std::int64_t i = y.begin; i < y.end; i++) {
          for (std::int64_t j = x.begin; j < x.end; j++) {
            const double value = real(plane[i * a.w + j]);
            if (value > most || value != value) most = value;  // NaN stays
          }
        }
        out[bin] = static_cast<T>(static_cast<Compute<T>>(most));
      }
    }
  }
}

void run(const Args& a, const Call& call) {
  dispatch_float(a.type, [&](auto tag) { run_as<typename decltype(tag)::type>(a, call); });
}

Result<Step> prepare(PrepareContext& context) {
  const Shape &data = context.in(0).shape, &out = context.out().shape;
  Step step = make_step<run>(Args{context.in(0).type, data[0], data[1], data[2], data[3], out[0], out[2], out[3],
                                  static_cast<double>(context.node.attributes.real("spatial_scale", 1))},
                             "max_roi_pool");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(out[0], 1, 256));
  return step;
}

constexpr int kVersions[] = {1, 22};
constexpr AttrSpec kAttributes[] = {{"pooled_shape", AttrKind::integers, true, 1, 1 << 20},
                                    {"spatial_scale", AttrKind::real}};
constexpr TypeMask kTypes[] = {kFloats};

constexpr OpDef kOps[] = {{.name = "MaxRoiPool",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .infer = infer,
                           .prepare = prepare}};

}  // namespace
extern const std::span<const OpDef> ops_max_roi_pool;
constinit const std::span<const OpDef> ops_max_roi_pool{kOps};

}  // namespace adze
