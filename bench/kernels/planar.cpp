// First layers that read a planar image and write channels last.
#include "kernels/conv/planar.h"

#include "bench/kernels/conv_problem.h"
#include "kernels/gemm/gemm.h"

namespace adze::bench {
namespace {

class PlanarConv final : public Job {
 public:
  PlanarConv(const ConvShape& s, Isa isa)
      : problem_(s),
        layer_(problem_.geometry, s.oc),
        src_(problem_.src.size()),
        packed_(packed_b_size(layer_.k(), s.oc)),
        scratch_(layer_.scratch_size()),
        dst_(problem_.geometry.pixels() * s.oc) {
    const std::int64_t plane = s.h * s.w, taps = problem_.geometry.taps();
    for (std::int64_t i = 0; i < src_.size(); i++) src_[i] = problem_.src[i % plane * s.ic + i / plane];
    args_.layer = &layer_;
    args_.tiles = gemm_tile_f32.best(isa).fn;
    args_.planar = planar_tile_f32.best(isa).fn;
    pack_b(layer_.k(), s.oc, args_.tiles->max_blocks, packed_.data(),
           [&](std::int64_t k, std::int64_t o) { return problem_.weights[(k % taps * s.ic + k / taps) * s.oc + o]; });
    args_.src = src_.data();
    args_.weights = packed_.data();
    args_.dst = dst_.data();
  }

  void run() override { planar_conv_f32(args_, scratch_.data(), {}, cancel_); }
  bool right() const override { return problem_.solved_by(dst_, problem_.steps()); }

 private:
  ConvProblem problem_;
  PlanarLayer layer_;
  Floats src_, packed_, scratch_, dst_;
  PlanarArgs args_{};
  CancelFlag cancel_;
};

Family planar() {
  Family family = family_of("planar_conv_f32", planar_tile_f32);
  for (const ConvShape& s : kConvShapes) {
    if (s.groups != 1 || !planar_takes(geometry_of(s))) continue;
    family.subjects.push_back(conv_subject(
        s, [&s](std::size_t row) { return std::make_unique<PlanarConv>(s, planar_tile_f32.variants[row].isa); }));
  }
  return family;
}

const Registered kPlanar(planar());

}  // namespace
}  // namespace adze::bench
