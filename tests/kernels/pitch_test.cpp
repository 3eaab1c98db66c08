// Pixels that lie apart, family by family and variant by variant: the results have the bytes of pixels that follow each
// other, and what lies between pixels is neither read nor written.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>

#include "kernels/conv/conv.h"
#include "kernels/conv/depthwise.h"
#include "kernels/conv/planar.h"
#include "kernels/pool/pool.h"
#include "kernels/winograd/winograd.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"

namespace adze {
namespace {

using testing::GuardedBuffer;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Rows of `columns` floats with `gap` between them. All starts as NaN.
struct Rows {
  std::int64_t rows, columns, pitch;
  GuardedBuffer<float> data;

  Rows(std::int64_t row_count, std::int64_t column_count, std::int64_t gap)
      : rows(row_count), columns(column_count), pitch(column_count + gap), data(size((rows - 1) * pitch + columns)) {
    data.poison();
  }
  Rows(const Rows&) = delete;

  float* row(std::int64_t r) { return data.data() + r * pitch; }
  void fill(testing::Random& random) {
    for (std::int64_t r = 0; r < rows; r++) random.fill({row(r), size(columns)});
  }
};

// What a kernel takes and gives, dense or with gaps; the numbers are the same.
struct Operands {
  Rows src, residual, dst;

  Operands(std::int64_t in, std::int64_t ic, std::int64_t out, std::int64_t oc, bool apart)
      : src(in, ic, apart ? 5 : 0), residual(out, oc, apart ? 3 : 0), dst(out, oc, apart ? 7 : 0) {
    testing::Random random(size(in + ic + oc));
    src.fill(random);
    residual.fill(random);
  }
};

const ActivationArgs kActivations[] = {{}, {Activation::clip, -0.5f, 0.75f}, {Activation::silu, 0, 0}};

// run(operands, activation, with residual) on images of `in` pixels and `ic` channels.
void expect_same(std::int64_t in, std::int64_t ic, std::int64_t out, std::int64_t oc, const std::string& what,
                 const std::function<void(Operands&, const ActivationArgs&, bool)>& run) {
  for (const ActivationArgs& activation : kActivations) {
    for (const bool residual : {false, true}) {
      Operands dense(in, ic, out, oc, false), apart(in, ic, out, oc, true);
      run(dense, activation, residual);
      run(apart, activation, residual);
      for (std::int64_t r = 0; r < out; r++) {
        ASSERT_EQ(std::memcmp(dense.dst.row(r), apart.dst.row(r), size(oc) * sizeof(float)), 0)
            << what << " channels " << ic << " to " << oc << " pixel " << r;
        for (std::int64_t c = oc; r + 1 < out && c < apart.dst.pitch; c++)
          ASSERT_TRUE(std::isnan(apart.dst.row(r)[c])) << what << " channels " << oc << " behind pixel " << r;
      }
    }
  }
}

ConvGeometry image(std::int64_t h, std::int64_t w, std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
  ConvGeometry g;
  g.n = 2;
  g.in = {1, h, w};
  g.kernel = {1, kernel, kernel};
  g.stride = {1, stride, stride};
  g.dilation = {1, dilation, dilation};
  g.pad = {0, kernel / 2, kernel / 2};
  for (const std::size_t a : {1u, 2u}) g.out[a] = (g.in[a] + 2 * g.pad[a] - (kernel - 1) * dilation - 1) / stride + 1;
  return g;
}

// What both calls share.
struct RandomFloats : GuardedBuffer<float> {
  explicit RandomFloats(std::int64_t n) : GuardedBuffer(static_cast<std::size_t>(n)) {
    testing::Random(static_cast<std::uint64_t>(n)).fill(span());
  }
};

template <class Table>
auto variants_of(const Table& table) {
  std::vector<typename decltype(table.variants)::value_type> usable;
  for (const auto& variant : table.variants) {
    if (variant.isa <= active_isa()) usable.push_back(variant);
  }
  return usable;
}

TEST(Pitch, IndirectConvolution) {
  for (const auto& variant : variants_of(gemm_tile_f32)) {
    for (const std::int64_t kernel : {1, 3}) {
      for (const std::int64_t ic : {3, 16, 33}) {
        for (const std::int64_t oc : {1, 8, 16, 17, 64, 80}) {
          ConvGeometry g = image(4, 7, kernel, 1, 1);
          g.ic = ic;
          const RandomFloats weights(g.taps() * ic * oc);
          GuardedBuffer packed(size(packed_b_size(g.taps() * ic, oc))), zeros(size(g.taps() * ic));
          zeros.fill(0);
          pack_b(g.taps() * ic, oc, variant.fn->max_blocks, packed.data(),
                 [&](std::int64_t k, std::int64_t j) { return weights[size(k * oc + j)]; });
          expect_same(2 * volume(g.in), ic, g.pixels(), oc, std::string(isa_name(variant.isa)),
                      [&](Operands& o, const ActivationArgs& activation, bool residual) {
                        g.ic_pitch = o.src.pitch;
                        const ConvTaps taps = conv_taps(g);
                        GuardedBuffer edges(size(gemm_rows_size(taps.count, taps.kc, oc)));
                        const ConvRows rows{o.src.row(0), zeros.data(), &g, edges.data()};
                        GemmArgs args{};
                        args.m = g.pixels();
                        args.n = oc;
                        args.taps = taps.count;
                        args.kc = taps.kc;
                        args.rows = conv_rows;
                        args.context = &rows;
                        args.b = packed.data();
                        args.c = o.dst.row(0);
                        args.ldc = o.dst.pitch;
                        args.residual = residual ? o.residual.row(0) : nullptr;
                        args.ldr = o.residual.pitch;
                        args.activation = activation;
                        args.tiles = variant.fn;
                        for (int part = 0; part < 2; part++) gemm_f32(args, {part, 2}, CancelFlag());
                      });
        }
      }
    }
  }
}

TEST(Pitch, Depthwise) {
  const ConvGeometry images[] = {image(9, 16, 3, 1, 1), image(9, 19, 5, 2, 1), image(12, 17, 3, 1, 2)};
  for (const auto& variant : variants_of(depthwise_f32)) {
    for (ConvGeometry g : images) {
      for (const std::int64_t channels : {1, 7, 8, 16, 17, 40}) {
        g.ic = channels;
        const RandomFloats weights(g.taps() * blocks_of(channels) * kBlock);
        expect_same(2 * volume(g.in), channels, g.pixels(), channels, std::string(isa_name(variant.isa)),
                    [&](Operands& o, const ActivationArgs& activation, bool residual) {
                      g.ic_pitch = o.src.pitch;
                      DepthwiseArgs args{};
                      args.geometry = g;
                      args.src = o.src.row(0);
                      args.weights = weights.data();
                      args.residual = residual ? o.residual.row(0) : nullptr;
                      args.dst = o.dst.row(0);
                      args.activation = activation;
                      args.dst_pitch = o.dst.pitch;
                      args.residual_pitch = o.residual.pitch;
                      variant.fn(args, {0, g.n * g.out[1]});
                    });
      }
    }
  }
}

// The planar source has no pitch: its planes are whole.
TEST(Pitch, PlanarConvolution) {
  for (const auto& variant : variants_of(planar_tile_f32)) {
    for (const std::int64_t oc : {1, 8, 16, 17, 64, 80}) {
      ConvGeometry g = image(9, 14, 3, 2, 1);
      g.ic = g.ic_pitch = 3;
      const PlanarLayer layer(g, oc);
      const RandomFloats src(g.n * 3 * volume(g.in)), weights(layer.k() * oc);
      PlanarArgs args{};
      args.layer = &layer;
      args.tiles = gemm_tile_f32.best(variant.isa).fn;
      args.planar = variant.fn;
      args.src = src.data();
      GuardedBuffer packed(size(packed_b_size(layer.k(), oc))), scratch(size(layer.scratch_size()));
      pack_b(layer.k(), oc, args.tiles->max_blocks, packed.data(),
             [&](std::int64_t k, std::int64_t j) { return weights[size(k * oc + j)]; });
      args.weights = packed.data();
      expect_same(1, 1, g.pixels(), oc, std::string(isa_name(variant.isa)),
                  [&](Operands& o, const ActivationArgs& activation, bool residual) {
                    args.residual = residual ? o.residual.row(0) : nullptr;
                    args.dst = o.dst.row(0);
                    args.activation = activation;
                    args.dst_pitch = o.dst.pitch;
                    args.residual_pitch = o.residual.pitch;
                    planar_conv_f32(args, scratch.data(), {}, CancelFlag());
                  });
    }
  }
}

TEST(Pitch, Winograd) {
  for (const auto& variant : variants_of(winograd_transforms_f32)) {
    for (const int m : {2, 4}) {
      for (const std::int64_t dilation : {1, 2}) {
        for (const std::int64_t oc : {1, 17, 64}) {
          ConvGeometry g = image(9, 11, 3, 1, dilation);
          g.ic = 19;
          const RandomFloats weights(oc * g.ic * 9);
          GuardedBuffer zeros(size(g.ic));
          zeros.fill(0);
          WinogradArgs args{};
          args.layer = {g, oc, 1, m, gemm_tile_f32.best(variant.isa).fn};
          args.transforms = variant.fn;
          GuardedBuffer packed(size(args.layer.weights_size())), scratch(size(args.layer.scratch_size()));
          packed.fill(0);
          pack_winograd(args.layer, {weights.data(), weights.size()}, packed.data());
          args.weights = packed.data();
          args.zeros = zeros.data();
          expect_same(2 * volume(g.in), g.ic, g.pixels(), oc, std::string(isa_name(variant.isa)),
                      [&](Operands& o, const ActivationArgs& activation, bool residual) {
                        args.layer.geometry.ic_pitch = o.src.pitch;
                        args.src = o.src.row(0);
                        args.residual = residual ? o.residual.row(0) : nullptr;
                        args.dst = o.dst.row(0);
                        args.activation = activation;
                        args.dst_pitch = o.dst.pitch;
                        args.residual_pitch = o.residual.pitch;
                        winograd_f32(args, scratch.data(), {}, CancelFlag());
                      });
        }
      }
    }
  }
}

TEST(Pitch, Pooling) {
  for (const auto* table : {&max_pool_f32, &average_pool_f32}) {
    for (const auto& variant : variants_of(*table)) {
      for (const std::int64_t channels : {1, 8, 16, 17, 40}) {
        ConvGeometry g = image(8, 9, 3, 2, 1);
        g.ic = channels;
        expect_same(2 * volume(g.in), channels, g.pixels(), channels, std::string(isa_name(variant.isa)),
                    [&](Operands& o, const ActivationArgs&, bool) {
                      g.ic_pitch = o.src.pitch;
                      variant.fn({g, g.pad, false, o.src.row(0), o.dst.row(0), o.dst.pitch}, {0, g.pixels()});
                    });
      }
    }
  }
}

}  // namespace
}  // namespace adze
