// Depthwise convolutions.
#include "kernels/conv/depthwise.h"

#include "bench/kernels/conv_problem.h"

namespace adze::bench {
namespace {

class Depthwise final : public Job {
 public:
  Depthwise(const ConvShape& s, DepthwiseFn kernel)
      : problem_(s),
        kernel_(kernel),
        weights_(problem_.geometry.taps() * padded(s.ic)),
        dst_(problem_.geometry.pixels() * s.ic) {
    for (std::int64_t t = 0; t < problem_.geometry.taps(); t++) {
      for (std::int64_t c = 0; c < s.ic; c++) weights_[t * padded(s.ic) + c] = problem_.weights[t * s.ic + c];
    }
    args_.geometry = problem_.geometry;
    args_.geometry.ic = s.ic;
    args_.src = problem_.src.data();
    args_.weights = weights_.data();
    args_.dst = dst_.data();
  }

  void run() override { kernel_(args_, {0, args_.geometry.out[1]}); }
  bool right() const override { return problem_.solved_by(dst_, problem_.steps()); }

 private:
  static std::int64_t padded(std::int64_t channels) { return (channels + 15) / 16 * 16; }

  ConvProblem problem_;
  DepthwiseFn kernel_;
  Floats weights_, dst_;
  DepthwiseArgs args_{};
};

Family depthwise() {
  Family family = family_of("depthwise_f32", depthwise_f32);
  for (const ConvShape& s : kConvShapes) {
    if (s.groups != s.ic || s.groups != s.oc) continue;
    family.subjects.push_back(conv_subject(
        s, [&s](std::size_t row) { return std::make_unique<Depthwise>(s, depthwise_f32.variants[row].fn); }));
  }
  return family;
}

const Registered kDepthwise(depthwise());

}  // namespace
}  // namespace adze::bench
