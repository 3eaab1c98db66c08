// Convolutions of one group as indirect GEMMs, 1x1 among them.
#include "kernels/conv/conv.h"

#include "bench/kernels/conv_jobs.h"
#include "bench/kernels/conv_problem.h"

namespace adze::bench {
namespace {

class IndirectConv final : public Job {
 public:
  IndirectConv(const ConvShape& s, const TileSet* tiles)
      : problem_(s),
        taps_(conv_taps(problem_.geometry)),
        packed_(packed_b_size(problem_.steps(), s.oc)),
        zeros_(taps_.kc),
        edges_(gemm_rows_size(taps_.count, taps_.kc, s.oc)),
        dst_(problem_.geometry.pixels() * s.oc),
        rows_{problem_.src.data(), zeros_.data(), &problem_.geometry, edges_.data()} {
    pack_b(problem_.steps(), s.oc, tiles->max_blocks, packed_.data(),
           [&](std::int64_t k, std::int64_t o) { return problem_.weights[k * s.oc + o]; });
    args_.m = problem_.geometry.pixels();
    args_.n = s.oc;
    args_.taps = taps_.count;
    args_.kc = taps_.kc;
    args_.rows = conv_rows;
    args_.context = &rows_;
    args_.b = packed_.data();
    args_.c = dst_.data();
    args_.ldc = s.oc;
    args_.tiles = tiles;
  }

  void run() override { gemm_f32(args_, {}, cancel_); }
  bool right() const override { return problem_.solved_by(dst_, problem_.steps()); }

 private:
  ConvProblem problem_;
  ConvTaps taps_;
  Floats packed_, zeros_, edges_, dst_;
  ConvRows rows_;
  GemmArgs args_{};
  CancelFlag cancel_;
};

Family conv() {
  Family family = family_of("conv_f32", gemm_tile_f32);
  for (const ConvShape& s : kConvShapes) {
    if (s.groups != 1) continue;
    family.subjects.push_back(
        conv_subject(s, [&s](std::size_t row) { return indirect_conv(s, gemm_tile_f32.variants[row].isa); }));
  }
  return family;
}

const Registered kConv(conv());

}  // namespace

std::unique_ptr<Job> indirect_conv(const ConvShape& s, Isa isa) {
  return std::make_unique<IndirectConv>(s, gemm_tile_f32.best(isa).fn);
}

}  // namespace adze::bench
