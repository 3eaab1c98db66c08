// The convolution kernels, variant by variant, against sums in double. Sources, weights and outputs end at unreadable
// pages.
#include "kernels/conv/conv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/conv/depthwise.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"

namespace adze {
namespace {

using testing::GuardedBuffer;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// One spatial case; the outputs are as many as the kernel allows, plus what `more` adds behind (asymmetric pads).
struct Case {
  Spatial in, kernel, stride = {1, 1, 1}, dilation = {1, 1, 1}, pad = {0, 0, 0}, more = {0, 0, 0};
};
const Case kCases[] = {
    {{1, 1, 1}, {1, 1, 1}},
    {{1, 5, 7}, {1, 3, 3}},
    {{1, 5, 7}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {{1, 8, 9}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 0, 1}, {0, 1, 1}},
    {{1, 3, 3}, {1, 5, 5}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}, {0, 2, 2}},
    {{1, 9, 8}, {1, 2, 3}, {1, 3, 2}, {1, 2, 3}, {0, 1, 4}, {0, 0, 3}},
    {{1, 1, 33}, {1, 1, 4}, {1, 1, 3}, {1, 1, 2}, {0, 0, 5}, {0, 0, 1}},
    {{4, 5, 6}, {3, 2, 3}, {2, 1, 2}, {1, 2, 1}, {1, 0, 2}, {1, 1, 0}},
    {{1, 2, 2}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 3, 3}, {0, 3, 3}},
    {{1, 7, 7}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {{1, 6, 17}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {{1, 9, 19}, {1, 3, 3}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}},
    {{1, 7, 16}, {1, 5, 5}, {1, 1, 1}, {1, 1, 1}, {0, 2, 2}, {0, 2, 2}},
    {{1, 8, 23}, {1, 5, 5}, {1, 2, 2}, {1, 1, 1}, {0, 2, 1}, {0, 2, 3}},
    {{1, 9, 18}, {1, 7, 7}, {1, 1, 1}, {1, 1, 1}, {0, 3, 3}, {0, 3, 3}},
    {{1, 14, 25}, {1, 7, 7}, {1, 2, 2}, {1, 1, 1}, {0, 3, 2}, {0, 2, 3}},
};

ConvGeometry direct(const Case& c, std::int64_t n, std::int64_t ic) {
  ConvGeometry g;
  g.n = n;
  g.in = c.in;
  g.kernel = c.kernel;
  g.stride = c.stride;
  g.dilation = c.dilation;
  g.pad = c.pad;
  for (std::size_t a = 0; a < kSpatial; a++)
    g.out[a] = (c.in[a] + c.pad[a] + c.more[a] - (c.kernel[a] - 1) * c.dilation[a] - 1) / c.stride[a] + 1;
  g.ic = g.ic_pitch = ic;
  return g;
}

// Calls f(n, source pixel or -1, output pixel, tap) for every tap of every output, pixels counted within an image.
template <class F>
void for_each_tap(const ConvGeometry& g, F f) {
  for (std::int64_t n = 0; n < g.n; n++) {
    for (std::int64_t o = 0; o < volume(g.out); o++) {
      const Spatial at = {o / g.out[2] / g.out[1], o / g.out[2] % g.out[1], o % g.out[2]};
      for (std::int64_t t = 0; t < g.taps(); t++) {
        const Spatial k = {t / g.kernel[2] / g.kernel[1], t / g.kernel[2] % g.kernel[1], t % g.kernel[2]};
        std::int64_t pixel = 0;
        for (std::size_t a = 0; a < kSpatial; a++) {
          const std::int64_t p = at[a] * g.stride[a] + k[a] * g.dilation[a] - g.pad[a];
          pixel = pixel < 0 || p < 0 || p >= g.in[a] ? -1 : pixel * g.in[a] + p;
        }
        f(n, pixel, o, t);
      }
    }
  }
}

struct Sum {
  double value = 0, absolute = 0;  // of the products
  void add(double x) { value += x, absolute += std::abs(x); }
};

// One rounding per step of the chain, each at most half a unit of the largest partial sum.
void expect_sums(const GuardedBuffer<float>& got, const std::vector<Sum>& want, std::int64_t steps,
                 const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); i++) {
    const double bound = static_cast<double>(steps + 2) * 0x1p-24 * want[i].absolute + 1e-30;
    ASSERT_NEAR(static_cast<double>(got[i]), want[i].value, bound) << what << ", output " << i;
  }
}

std::string describe(const Case& c, Isa isa, std::int64_t channels) {
  return std::string(isa_name(isa)) + " case " + std::to_string(&c - kCases) + " channels " + std::to_string(channels);
}

TEST(Conv, IndirectRowsOnEveryVariant) {
  for (const auto& variant : gemm_tile_f32.variants) {
    if (variant.isa > active_isa()) continue;
    for (const Case& c : kCases) {
      for (const std::int64_t ic : {1, 3, 16, 19, 65}) {
        for (const std::int64_t oc : {1, 17, 64}) {
          const ConvGeometry g = direct(c, 2, ic);
          testing::Random random(size(ic * 100 + oc));
          GuardedBuffer src(size(2 * volume(g.in) * ic)), w(size(g.taps() * ic * oc));
          GuardedBuffer packed(size(packed_b_size(g.taps() * ic, oc))), dst(size(g.pixels() * oc));
          const ConvTaps taps = conv_taps(g);
          const GemmOrder order{oc == 17 ? Share::panels : Share::by_shape, ic == 3 ? 96 : ic == 16 ? 24 : 48};
          GuardedBuffer zeros(size(taps.kc)), edges(size(gemm_rows_size(taps.count, taps.kc, oc, order)));
          random.fill(src.span());
          random.fill(w.span());
          zeros.fill(0);
          dst.poison();
          pack_b(g.taps() * ic, oc, variant.fn->max_blocks, packed.data(),
                 [&](std::int64_t k, std::int64_t j) { return w[size(k * oc + j)]; });
          const ConvRows rows{src.data(), zeros.data(), &g, edges.data()};
          GemmArgs args{};
          args.m = g.pixels();
          args.n = oc;
          args.taps = taps.count;
          args.kc = taps.kc;
          args.rows = conv_rows;
          args.context = &rows;
          args.b = packed.data();
          args.c = dst.data();
          args.ldc = oc;
          args.tiles = variant.fn;
          args.order = order;
          for (int part = 0; part < 3; part++) gemm_f32(args, {part, 3}, CancelFlag());
          std::vector<Sum> want(dst.size());
          for_each_tap(g, [&](std::int64_t n, std::int64_t pixel, std::int64_t o, std::int64_t t) {
            for (std::int64_t i = 0; pixel >= 0 && i < ic; i++) {
              for (std::int64_t j = 0; j < oc; j++) {
                want[size((n * volume(g.out) + o) * oc + j)].add(
                    static_cast<double>(src[size((n * volume(g.in) + pixel) * ic + i)]) *
                    static_cast<double>(w[size((t * ic + i) * oc + j)]));
              }
            }
          });
          expect_sums(dst, want, g.taps() * ic, describe(c, variant.isa, ic));
        }
      }
    }
  }
}

TEST(Conv, DepthwiseOnEveryVariant) {
  for (const auto& variant : depthwise_f32.variants) {
    if (variant.isa > active_isa()) continue;
    for (const Case& c : kCases) {
      for (const std::int64_t channels : {1, 7, 8, 15, 16, 17, 32, 47, 65}) {
        for (const bool extras : {false, true}) {
          // With extras: bias, residual, and source pixels further apart than their channels.
          ConvGeometry g = direct(c, 2, channels);
          g.ic_pitch = channels + (extras ? 3 : 0);
          const std::int64_t padded = blocks_of(channels) * kBlock, pixels = 2 * volume(g.in);
          testing::Random random(size(channels));
          GuardedBuffer src(size((pixels - 1) * g.ic_pitch + channels)), w(size(g.taps() * padded));
          GuardedBuffer bias(size(extras ? padded : 0)), residual(size(extras ? g.pixels() * channels : 0));
          GuardedBuffer dst(size(g.pixels() * channels));
          for (auto* operand : {&src, &w, &bias, &residual}) random.fill(operand->span());
          dst.poison();
          DepthwiseArgs args{};
          args.geometry = g;
          args.src = src.data();
          args.weights = w.data();
          args.bias = extras ? bias.data() : nullptr;
          args.residual = extras ? residual.data() : nullptr;
          args.dst = dst.data();
          const std::int64_t lines = 2 * g.out[0] * g.out[1], cut = lines / 3;
          variant.fn(args, {0, cut});
          variant.fn(args, {cut, lines});
          std::vector<Sum> want(dst.size());
          for (std::size_t i = 0; extras && i < want.size(); i++) {
            want[i].add(static_cast<double>(bias[i % size(channels)]));
            want[i].add(static_cast<double>(residual[i]));
          }
          for_each_tap(g, [&](std::int64_t n, std::int64_t pixel, std::int64_t o, std::int64_t t) {
            for (std::int64_t j = 0; pixel >= 0 && j < channels; j++) {
              want[size((n * volume(g.out) + o) * channels + j)].add(
                  static_cast<double>(src[size((n * volume(g.in) + pixel) * g.ic_pitch + j)]) *
                  static_cast<double>(w[size(t * padded + j)]));
            }
          });
          expect_sums(dst, want, g.taps() + 2, describe(c, variant.isa, channels));
        }
      }
    }
  }
}

// Kernel elements reach so many lines from the first row of `rows` to the last.
std::int64_t lines_of(const ConvGeometry& g, std::int64_t rows) {
  return (rows - 1) * g.stride[1] + (g.kernel[1] - 1) * g.dilation[1] + 1;
}

// Some rows at a time, from a ring that holds their source lines and no others, to memory that holds them alone: the
// bytes of the call over all of it.
TEST(Conv, DepthwiseOfARingOfLinesOnEveryVariant) {
  for (const auto& variant : depthwise_f32.variants) {
    if (variant.isa > active_isa()) continue;
    for (const Case& c : kCases) {
      if (c.in[0] > 1) continue;
      for (const std::int64_t channels : {1, 8, 13, 16, 40, 49}) {
        for (const auto kind : {Activation::none, Activation::clip, Activation::silu}) {
          const std::int64_t gap = kind == Activation::clip ? 3 : 0;
          ConvGeometry g = direct(c, 2, channels);
          g.ic_pitch = channels + gap;
          const std::int64_t padded = blocks_of(channels) * kBlock, row = g.out[2] * channels;
          const std::int64_t line = g.in[2] * g.ic_pitch, last_row = g.n * g.out[1];
          testing::Random random(size(channels));
          GuardedBuffer src(size(g.n * g.in[1] * line - gap)), w(size(g.taps() * padded)), bias(size(padded));
          GuardedBuffer residual(size(last_row * row)), whole(size(last_row * row));
          for (auto* operand : {&src, &w, &bias, &residual}) random.fill(operand->span());
          DepthwiseArgs args{};
          args.geometry = g;
          args.src = src.data();
          args.weights = w.data();
          args.bias = bias.data();
          args.residual = residual.data();
          args.dst = whole.data();
          args.activation = {kind, -0.5f, 0.75f};
          variant.fn(args, {0, last_row});
          for (const std::int64_t rows : {1, 2, 5}) {
            const std::int64_t lines = lines_of(g, rows);
            GuardedBuffer ring(size(lines * line - gap)), part(size(rows * row));
            for (std::int64_t r = 0, count = 0; r < last_row; r += count) {
              const std::int64_t image = r / g.out[1], y = r % g.out[1];
              count = std::min(rows, g.out[1] - y);
              ring.poison();
              const std::int64_t top = y * g.stride[1] - g.pad[1];
              for (std::int64_t l = std::max<std::int64_t>(top, 0); l < std::min(top + lines, g.in[1]); l++) {
                std::copy_n(src.data() + (image * g.in[1] + l) * line, line - gap, ring.data() + l % lines * line);
              }
              const std::size_t bytes = size(count * row) * sizeof(float);
              for (const bool from_ring : {false, true}) {
                part.poison();
                DepthwiseArgs some = args;
                some.src = from_ring ? ring.data() : src.data();
                some.src_lines = from_ring ? lines : 0;
                some.residual = residual.data() + r * row;
                some.dst = part.data() + part.size() - size(count * row);
                some.dst_row = r;
                variant.fn(some, {r, r + count});
                ASSERT_EQ(std::memcmp(some.dst, whole.data() + r * row, bytes), 0)
                    << describe(c, variant.isa, channels) << " rows " << r << " to " << r + count << " ring "
                    << from_ring;
              }
            }
          }
        }
      }
    }
  }
}

// The sums of what is stored, pixel by pixel from the left, however the rows are cut; and the same results.
TEST(Conv, DepthwiseSumsUpRowsOnEveryVariant) {
  for (const auto& variant : depthwise_f32.variants) {
    if (variant.isa > active_isa()) continue;
    for (const Case& c : kCases) {
      for (const std::int64_t channels : {1, 8, 13, 16, 40, 49}) {
        for (const auto kind : {Activation::none, Activation::clip, Activation::silu}) {
          const ConvGeometry g = direct(c, 2, channels);
          const std::int64_t padded = blocks_of(channels) * kBlock, rows = 2 * g.out[0] * g.out[1];
          testing::Random random(size(channels));
          GuardedBuffer src(size(2 * volume(g.in) * channels)), w(size(g.taps() * padded));
          GuardedBuffer dst(size(g.pixels() * channels)), again(dst.size()), sums(size(rows * channels));
          for (auto* operand : {&src, &w}) random.fill(operand->span());
          DepthwiseArgs args{};
          args.geometry = g;
          args.src = src.data();
          args.weights = w.data();
          args.dst = dst.data();
          args.activation = {kind, -0.5f, 0.75f};
          variant.fn(args, {0, rows});
          for (const std::int64_t cut : {rows, rows / 3}) {
            sums.poison();
            args.dst = again.data();
            args.sums = sums.data();
            variant.fn(args, {0, cut});
            variant.fn(args, {cut, rows});
            ASSERT_EQ(std::memcmp(again.data(), dst.data(), dst.size() * sizeof(float)), 0)
                << describe(c, variant.isa, channels);
            for (std::int64_t i = 0; i < rows * channels; i++) {
              float want = 0;
              for (std::int64_t x = 0; x < g.out[2]; x++) {
                want += dst[size((i / channels * g.out[2] + x) * channels + i % channels)];
              }
              ASSERT_EQ(sums[size(i)], want) << describe(c, variant.isa, channels) << " row " << i / channels;
            }
          }
        }
      }
    }
  }
}

// The transpose of the direct case: its outputs are the source, its source the outputs.
TEST(Conv, TransposedPhasesCoverEveryOutputOnce) {
  for (const auto& variant : gemm_tile_f32.variants) {
    if (variant.isa > active_isa()) continue;
    for (const Case& c : kCases) {
      for (const std::int64_t ic : {1, 5, 16}) {
        const std::int64_t oc = 18;
        const ConvGeometry mirrored = direct(c, 2, oc);
        ConvGeometry g = mirrored;
        g.in = mirrored.out;
        g.out = mirrored.in;
        g.ic = g.ic_pitch = ic;
        testing::Random random(size(ic));
        GuardedBuffer src(size(2 * volume(g.in) * ic)), w(size(g.taps() * ic * oc)), zeros(size(ic));
        GuardedBuffer dst(size(g.pixels() * oc));
        random.fill(src.span());
        random.fill(w.span());
        zeros.fill(0);
        dst.poison();
        for (std::int64_t rd = 0; rd < g.stride[0]; rd++) {
          for (std::int64_t rh = 0; rh < g.stride[1]; rh++) {
            for (std::int64_t rw = 0; rw < g.stride[2]; rw++) {
              Phase p;
              if (!phase_of(g, 0, rd, p) || !phase_of(g, 1, rh, p) || !phase_of(g, 2, rw, p)) continue;
              const std::int64_t taps = volume(p.taps);
              GuardedBuffer packed(size(packed_b_size(taps * ic, oc)));
              pack_b(taps * ic, oc, variant.fn->max_blocks, packed.data(), [&](std::int64_t k, std::int64_t j) {
                const std::int64_t t = k / ic;
                const Spatial local = {t / p.taps[2] / p.taps[1], t / p.taps[2] % p.taps[1], t % p.taps[2]};
                std::int64_t tap = 0;
                for (std::size_t a = 0; a < kSpatial; a++)
                  tap = tap * g.kernel[a] + p.tap_first[a] + local[a] * p.tap_step[a];
                return w[size((tap * ic + k % ic) * oc + j)];
              });
              for (std::int64_t line = 0; line < 2 * p.count[0] * p.count[1]; line++) {
                const std::int64_t n = line / p.count[1] / p.count[0], d = line / p.count[1] % p.count[0];
                const std::int64_t h = line % p.count[1];
                const PhaseRows rows{src.data(), zeros.data(), &g, &p, n, d, h};
                GemmArgs args{};
                args.m = p.count[2];
                args.n = oc;
                args.taps = taps;
                args.kc = ic;
                args.rows = phase_rows;
                args.context = &rows;
                args.b = packed.data();
                const std::int64_t z = p.first[0] + d * g.stride[0], y = p.first[1] + h * g.stride[1];
                args.c = dst.data() + (((n * g.out[0] + z) * g.out[1] + y) * g.out[2] + p.first[2]) * oc;
                args.ldc = g.stride[2] * oc;
                args.tiles = variant.fn;
                gemm_f32(args, {}, CancelFlag());
              }
            }
          }
        }
        std::vector<Sum> want(dst.size());
        for_each_tap(mirrored, [&](std::int64_t n, std::int64_t pixel, std::int64_t o, std::int64_t t) {
          for (std::int64_t i = 0; pixel >= 0 && i < ic; i++) {
            for (std::int64_t j = 0; j < oc; j++) {
              want[size((n * volume(g.out) + pixel) * oc + j)].add(
                  static_cast<double>(src[size((n * volume(g.in) + o) * ic + i)]) *
                  static_cast<double>(w[size((t * ic + i) * oc + j)]));
            }
          }
        });
        expect_sums(dst, want, g.taps() * ic, describe(c, variant.isa, ic));
      }
    }
  }
}

}  // namespace
}  // namespace adze
