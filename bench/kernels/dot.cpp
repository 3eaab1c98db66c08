// Products with fewer columns than a vector has lanes: output layers.
#include "kernels/gemm/dot.h"

#include "bench/kernels/family.h"
#include "bench/kernels/operands.h"
#include "bench/kernels/shapes.h"

namespace adze::bench {
namespace {

class Dots final : public Job {
 public:
  Dots(const MatrixShape& s, DotFn kernel)
      : s_(s),
        kernel_(kernel),
        a_(Floats::random(s.m * s.k, 1)),
        w_(Floats::random(s.n * s.k, 2)),
        packed_(s.n * dot_pitch(s.k)),
        c_(s.m * s.n) {
    pack_dots(s.k, s.n, packed_.data(), [&](std::int64_t k, std::int64_t j) { return w_[j * s.k + k]; });
    args_.n = args_.ldc = s.n;
    args_.k = args_.lda = s.k;
    args_.a = a_.data();
    args_.w = packed_.data();
    args_.c = c_.data();
  }

  void run() override { kernel_(args_, {0, s_.m}); }

  bool right() const override {
    for (const std::int64_t i : samples(s_.m)) {
      for (const std::int64_t j : samples(s_.n)) {
        Sum sum;
        for (std::int64_t k = 0; k < s_.k; k++) sum.add(a_[i * s_.k + k], w_[j * s_.k + k]);
        if (!sum.agrees(c_[i * s_.n + j], s_.k)) return false;
      }
    }
    return true;
  }

 private:
  MatrixShape s_;
  DotFn kernel_;
  Floats a_, w_, packed_, c_;
  DotArgs args_{};
};

Family dots() {
  Family family = family_of("dot_f32", dot_f32);
  for (const MatrixShape& s : kNarrowShapes) {
    family.subjects.push_back({s.name(), s.sizes(), s.flops(),
                               [&s](std::size_t row) { return std::make_unique<Dots>(s, dot_f32.variants[row].fn); }});
  }
  return family;
}

const Registered kDots(dots());

}  // namespace
}  // namespace adze::bench
