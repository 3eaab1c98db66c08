// Convolutions by Winograd's algorithm, the layers that the engine takes it for. Rates count the operations of direct
// summation, so they are effective ones and may pass the peak; "%peak done" counts those of the products alone.
#include "kernels/winograd/winograd.h"

#include "bench/kernels/conv_jobs.h"
#include "bench/kernels/conv_problem.h"
#include "kernels/gemm/gemm.h"

namespace adze::bench {
namespace {

WinogradLayer layer_of(const ConvShape& s, int outputs, Isa isa) {
  return {geometry_of(s), s.oc, 1, outputs, gemm_tile_f32.best(isa).fn};
}

class WinogradConv final : public Job {
 public:
  WinogradConv(const ConvShape& s, int outputs, Isa isa)
      : problem_(s),
        packed_(layer_of(s, outputs, isa).weights_size()),
        zeros_(s.ic),
        scratch_(layer_of(s, outputs, isa).scratch_size()),
        dst_(problem_.geometry.pixels() * s.oc) {
    args_.layer = layer_of(s, outputs, isa);
    args_.transforms = winograd_transforms_f32.best(isa).fn;
    const std::int64_t steps = problem_.steps(), taps = problem_.geometry.taps();
    Floats weights(s.oc * steps);
    for (std::int64_t o = 0; o < s.oc; o++) {
      for (std::int64_t k = 0; k < steps; k++)
        weights[o * steps + k % s.ic * taps + k / s.ic] = problem_.weights[k * s.oc + o];
    }
    pack_winograd(args_.layer, {weights.data(), static_cast<std::size_t>(weights.size())}, packed_.data());
    args_.src = problem_.src.data();
    args_.weights = packed_.data();
    args_.zeros = zeros_.data();
    args_.dst = dst_.data();
  }

  void run() override { winograd_f32(args_, scratch_.data(), {}, cancel_); }

  // A tile's outputs share the rounding errors of all its pixels: the bound is that of a direct sum in which every
  // pixel is as large as any, 1.
  bool right() const override {
    const std::int64_t oc = problem_.shape.oc;
    for (const std::int64_t o : samples(oc)) {
      double largest = 0;
      for (std::int64_t k = 0; k < problem_.steps(); k++)
        largest += std::abs(static_cast<double>(problem_.weights[k * oc + o]));
      for (const std::int64_t pixel : samples(problem_.geometry.pixels())) {
        Sum sum = problem_.output(pixel, o);
        sum.absolute = largest;
        if (!sum.agrees(dst_[pixel * oc + o], problem_.steps())) return false;
      }
    }
    return true;
  }

 private:
  ConvProblem problem_;
  Floats packed_, zeros_, scratch_, dst_;
  WinogradArgs args_{};
  CancelFlag cancel_;
};

Family winograd() {
  Family family = family_of("winograd_f32", winograd_transforms_f32);
  for (const ConvShape& s : kConvShapes) {
    const int outputs = s.groups == 1 ? winograd_outputs(geometry_of(s), s.oc) : 0;
    if (outputs == 0) continue;
    Subject subject = conv_subject(s, [&s, outputs](std::size_t row) {
      return winograd_conv(s, outputs, winograd_transforms_f32.variants[row].isa);
    });
    subject.shape += " F(" + std::to_string(outputs) + ",3) effective";
    const WinogradLayer layer = layer_of(s, outputs, Isa::portable);
    subject.done = 2.0 * static_cast<double>(layer.tile_count() * layer.points()) * static_cast<double>(s.ic * s.oc);
    family.subjects.push_back(std::move(subject));
  }
  return family;
}

const Registered kWinograd(winograd());

}  // namespace

std::unique_ptr<Job> winograd_conv(const ConvShape& s, int outputs, Isa isa) {
  return std::make_unique<WinogradConv>(s, outputs, isa);
}

}  // namespace adze::bench
