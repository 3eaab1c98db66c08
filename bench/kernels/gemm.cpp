// Fully connected layers, MLPs and squares: C = A B.
#include "kernels/gemm/gemm.h"

#include "bench/kernels/family.h"
#include "bench/kernels/operands.h"
#include "bench/kernels/shapes.h"

namespace adze::bench {
namespace {

class Product final : public Job {
 public:
  Product(const MatrixShape& s, const TileSet* tiles)
      : s_(s),
        a_(Floats::random(s.m * s.k, 1)),
        b_(Floats::random(s.k * s.n, 2)),
        packed_(packed_b_size(s.k, s.n)),
        c_(s.m * s.n),
        rows_{a_.data(), s.k} {
    pack_b(s.k, s.n, tiles->max_blocks, packed_.data(),
           [&](std::int64_t k, std::int64_t n) { return b_[k * s.n + n]; });
    args_.m = s.m;
    args_.n = s.n;
    args_.taps = 1;
    args_.kc = s.k;
    args_.rows = matrix_rows;
    args_.context = &rows_;
    args_.b = packed_.data();
    args_.c = c_.data();
    args_.ldc = s.n;
    args_.tiles = tiles;
  }

  void run() override { gemm_f32(args_, {}, cancel_); }

  bool right() const override {
    for (const std::int64_t i : samples(s_.m)) {
      for (const std::int64_t j : samples(s_.n)) {
        Sum sum;
        for (std::int64_t k = 0; k < s_.k; k++) sum.add(a_[i * s_.k + k], b_[k * s_.n + j]);
        if (!sum.agrees(c_[i * s_.n + j], s_.k)) return false;
      }
    }
    return true;
  }

 private:
  MatrixShape s_;
  Floats a_, b_, packed_, c_;
  MatrixRows rows_;
  GemmArgs args_{};
  CancelFlag cancel_;
};

Family gemm() {
  Family family = family_of("gemm_f32", gemm_tile_f32);
  for (const MatrixShape& s : kMatrixShapes) {
    family.subjects.push_back({s.name(), s.sizes(), s.flops(), [&s](std::size_t row) {
                                 return std::make_unique<Product>(s, gemm_tile_f32.variants[row].fn);
                               }});
  }
  return family;
}

const Registered kGemm(gemm());

}  // namespace
}  // namespace adze::bench
