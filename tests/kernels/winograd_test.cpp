// Winograd convolution, variant by variant, against sums in double. Operands, weights, scratch and outputs end at
// unreadable pages.
#include "kernels/winograd/winograd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"

namespace adze {
namespace {

using testing::GuardedBuffer;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

struct Image {
  std::int64_t h, w, pad_h = 1, pad_w = 1, more_h = 1, more_w = 1;  // more: pads behind
  std::int64_t dilation_h = 1, dilation_w = 1;
};
const Image kImages[] = {
    {1, 1},
    {1, 2},
    {2, 1},
    {2, 3, 0, 1, 1, 0},
    {3, 2},
    {3, 3, 0, 0, 0, 0},
    {4, 4},
    {5, 5},
    {5, 13},
    {7, 7},
    {8, 7, 0, 1, 1, 1},
    {8, 14},
    {13, 4, 1, 0, 0, 1},
    {14, 14, 0, 0, 0, 0},
    {17, 1},
    {4, 17},
    {14, 14},
    {9, 13, 2, 2, 2, 2, 2, 2},
    {7, 5, 3, 2, 3, 1, 3, 2},
    {6, 6, 9, 9, 9, 9, 9, 9},
};
constexpr std::int64_t kSources[] = {1, 3, 16, 19, 65}, kResults[] = {1, 16, 17, 64, 80};

ConvGeometry geometry(const Image& image, std::int64_t n, std::int64_t ic) {
  ConvGeometry g;
  g.n = n;
  g.in = {1, image.h, image.w};
  g.kernel = {1, 3, 3};
  g.pad = {0, image.pad_h, image.pad_w};
  g.dilation = {1, image.dilation_h, image.dilation_w};
  g.out = {1, image.h + image.pad_h + image.more_h - 2 * image.dilation_h,
           image.w + image.pad_w + image.more_w - 2 * image.dilation_w};
  g.ic = g.ic_pitch = ic;
  return g;
}

// A layer with random operands in -1 to 1; the source from `low`.
struct Problem {
  ConvGeometry g;
  std::int64_t oc;
  GuardedBuffer<float> src, weights, zeros, bias, residual;

  Problem(const ConvGeometry& geometry, std::int64_t out_channels, std::uint64_t seed, float low = -1)
      : g(geometry),
        oc(out_channels),
        src(size(g.n * volume(g.in) * g.ic)),
        weights(size(oc * g.ic * 9)),
        zeros(size(g.ic)),
        bias(size(blocks_of(oc) * kBlock)),
        residual(size(g.pixels() * oc)) {
    testing::Random random(seed);
    random.fill(src.span(), low);
    for (auto* operand : {&weights, &bias, &residual}) random.fill(operand->span());
    zeros.fill(0);
  }

  // Calls f(pixel's channels, weights) for every tap of an output that lies inside the image, in the order of k.
  template <class F>
  void for_each_tap(std::int64_t pixel, F f) const {
    const std::int64_t n = pixel / volume(g.out), y = pixel / g.out[2] % g.out[1], x = pixel % g.out[2];
    for (std::int64_t t = 0; t < 9; t++) {
      const std::int64_t from_y = y - g.pad[1] + t / 3 * g.dilation[1], from_x = x - g.pad[2] + t % 3 * g.dilation[2];
      if (from_y < 0 || from_y >= g.in[1] || from_x < 0 || from_x >= g.in[2]) continue;
      f(src.data() + ((n * g.in[1] + from_y) * g.in[2] + from_x) * g.ic, t);
    }
  }
  float weight(std::int64_t o, std::int64_t i, std::int64_t tap) const {
    return weights[size((o * g.ic + i) * 9 + tap)];
  }

  // Without bias, residual and activation.
  std::vector<double> sums() const {
    std::vector<double> result(size(g.pixels() * oc));
    for (std::int64_t p = 0; p < g.pixels(); p++) {
      for_each_tap(p, [&](const float* from, std::int64_t tap) {
        for (std::int64_t o = 0; o < oc; o++) {
          for (std::int64_t i = 0; i < g.ic; i++)
            result[size(p * oc + o)] += static_cast<double>(from[i]) * static_cast<double>(weight(o, i, tap));
        }
      });
    }
    return result;
  }
};

struct Epilogue {
  bool bias = false, residual = false, in_place = false;
  ActivationArgs activation = {};
  Share share = Share::by_shape;
};

// The outputs lie in dst, which an in-place residual fills beforehand.
void run(const Problem& p, int m, Isa isa, const Epilogue& epilogue, int parts, GuardedBuffer<float>& dst,
         const CancelFlag& cancel = CancelFlag()) {
  WinogradArgs args{};
  args.layer = {p.g, p.oc, 1, m, gemm_tile_f32.best(isa).fn};
  args.transforms = winograd_transforms_f32.best(isa).fn;
  GuardedBuffer packed(size(args.layer.weights_size()));
  packed.fill(0);
  pack_winograd(args.layer, {p.weights.data(), p.weights.size()}, packed.data());
  args.src = p.src.data();
  args.weights = packed.data();
  args.zeros = p.zeros.data();
  args.bias = epilogue.bias ? p.bias.data() : nullptr;
  dst.poison();
  if (epilogue.in_place) std::memcpy(dst.data(), p.residual.data(), dst.size() * sizeof(float));
  args.residual = epilogue.in_place ? dst.data() : epilogue.residual ? p.residual.data() : nullptr;
  args.dst = dst.data();
  args.activation = epilogue.activation;
  args.share = epilogue.share;
  GuardedBuffer scratch(size(args.layer.scratch_size()));
  for (int part = 0; part < parts; part++) {
    scratch.poison();
    winograd_f32(args, scratch.data(), {part, parts}, cancel);
  }
}

double activated(double x, const ActivationArgs& activation) {
  if (activation.kind == Activation::silu) return x / (1 + std::exp(-x));
  if (activation.kind == Activation::clip)
    return std::min(std::max(x, static_cast<double>(activation.alpha)), static_cast<double>(activation.beta));
  return x;
}

const Epilogue kEpilogues[] = {
    {},
    {true, true, false, {Activation::clip, 0, 0.75f}},
    {false, true, true, {Activation::silu, 0, 0}},
};

// A tile's outputs share the rounding errors of all its pixels, so the bound is that of a direct sum in which every
// pixel is as large as any.
void expect_sums(const Problem& p, const std::vector<double>& sums, const Epilogue& epilogue,
                 const GuardedBuffer<float>& got, const std::string& what) {
  std::vector<double> largest(size(p.oc));
  for (std::size_t i = 0; i < p.weights.size(); i++)
    largest[i / size(p.g.ic * 9)] += std::abs(static_cast<double>(p.weights[i]));
  constexpr double kSteepest = 1.1;  // slope of silu
  for (std::size_t i = 0; i < sums.size(); i++) {
    const std::size_t o = i % size(p.oc);
    double want = sums[i];
    if (epilogue.bias) want += static_cast<double>(p.bias[o]);
    if (epilogue.residual) want += static_cast<double>(p.residual[i]);
    const double bound = kSteepest * static_cast<double>(p.g.ic * 9 + 2) * 0x1p-24 * (largest[o] + 2);
    ASSERT_NEAR(static_cast<double>(got[i]), activated(want, epilogue.activation), bound) << what << ", output " << i;
  }
}

TEST(Winograd, EveryVariantOnAwkwardShapes) {
  for (const Image& image : kImages) {
    for (const std::int64_t ic : kSources) {
      for (const std::int64_t oc : kResults) {
        const std::int64_t turn = (&image - kImages) + ic + oc;
        const Problem p(geometry(image, 1 + turn % 2, ic), oc, size(turn));
        const std::vector<double> sums = p.sums();
        GuardedBuffer dst(sums.size());
        for (const auto& variant : winograd_transforms_f32.variants) {
          if (variant.isa > active_isa()) continue;
          for (const int m : {2, 4}) {
            const Epilogue& epilogue = kEpilogues[(turn + m / 2) % 3];
            run(p, m, variant.isa, epilogue, 1, dst);
            expect_sums(p, sums, epilogue, dst,
                        std::string(isa_name(variant.isa)) + " image " + std::to_string(&image - kImages) + " ic " +
                            std::to_string(ic) + " oc " + std::to_string(oc) + " m " + std::to_string(m));
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

bool same_bytes(const float* a, const GuardedBuffer<float>& b) {
  return std::memcmp(a, b.data(), b.size() * sizeof(float)) == 0;
}

// The last layer has more panels than threads and few tiles: there threads share out the panels.
const struct {
  Image image;
  std::int64_t ic, oc;
} kLayers[] = {{{14, 13}, 19, 80}, {{1, 3}, 16, 17}, {{5, 7}, 33, 464}};

// Three channel groups at once, and each as a layer of its own.
TEST(Winograd, ChannelGroupsComputeAsAlone) {
  constexpr std::int64_t kGroups = 3;
  for (const std::int64_t ic : {8, 16, 19}) {
    const std::int64_t oc = ic + 5;
    std::deque<Problem> alone;
    for (std::int64_t i = 0; i < kGroups; i++) alone.emplace_back(geometry({9, 14}, 2, ic), oc, size(ic + i));
    ConvGeometry g = alone[0].g;
    g.ic_pitch = kGroups * ic;
    const std::int64_t in = g.n * volume(g.in), out = g.pixels(), padded = blocks_of(oc) * kBlock;
    GuardedBuffer src(size(in * g.ic_pitch)), weights(size(kGroups * oc * ic * 9)), bias(size(kGroups * padded));
    GuardedBuffer residual(size(out * kGroups * oc)), got(residual.size()), want(size(out * oc));
    for (std::int64_t i = 0; i < kGroups; i++) {
      const Problem& p = alone[size(i)];
      for (std::int64_t x = 0; x < in * ic; x++) src[size(x / ic * g.ic_pitch + i * ic + x % ic)] = p.src[size(x)];
      for (std::int64_t x = 0; x < out * oc; x++)
        residual[size(x / oc * kGroups * oc + i * oc + x % oc)] = p.residual[size(x)];
      std::copy_n(p.weights.data(), oc * ic * 9, weights.data() + i * oc * ic * 9);
      std::copy_n(p.bias.data(), padded, bias.data() + i * padded);
    }
    for (const auto& variant : winograd_transforms_f32.variants) {
      if (variant.isa > active_isa()) continue;
      for (const int m : {2, 4}) {
        WinogradArgs args{};
        args.layer = {g, oc, kGroups, m, gemm_tile_f32.best(variant.isa).fn};
        args.transforms = variant.fn;
        GuardedBuffer packed(size(args.layer.weights_size())), scratch(size(args.layer.scratch_size()));
        packed.fill(0);
        pack_winograd(args.layer, {weights.data(), weights.size()}, packed.data());
        args.src = src.data();
        args.weights = packed.data();
        args.zeros = alone[0].zeros.data();
        args.bias = bias.data();
        args.residual = residual.data();
        args.dst = got.data();
        for (int part = 0; part < 2; part++) winograd_f32(args, scratch.data(), {part, 2}, CancelFlag());
        for (std::int64_t i = 0; i < kGroups; i++) {
          run(alone[size(i)], m, variant.isa, {true, true, false, {}}, 1, want);
          for (std::int64_t x = 0; x < out * oc; x++)
            ASSERT_EQ(got[size(x / oc * kGroups * oc + i * oc + x % oc)], want[size(x)]) << isa_name(variant.isa);
        }
      }
    }
  }
}

TEST(Winograd, SameBytesForSlicesAndVariants) {
  for (const auto& layer : kLayers) {
    const Problem p(geometry(layer.image, 2, layer.ic), layer.oc, 5);
    for (const int m : {2, 4}) {
      GuardedBuffer want(p.residual.size()), got(p.residual.size());
      run(p, m, Isa::portable, kEpilogues[2], 1, want);
      for (const auto& variant : winograd_transforms_f32.variants) {
        if (variant.isa > active_isa()) continue;
        for (const int parts : {1, 2, 3, 5}) {
          for (const Share share : {Share::by_shape, Share::rows, Share::panels}) {
            Epilogue epilogue = kEpilogues[2];
            epilogue.share = share;
            run(p, m, variant.isa, epilogue, parts, got);
            EXPECT_TRUE(same_bytes(want.data(), got))
                << isa_name(variant.isa) << ", " << parts << " parts, m " << m << ", share " << static_cast<int>(share);
          }
        }
      }
    }
  }
}

TEST(Winograd, SameBytesForAnImageAloneAndInABatch) {
  for (const auto& layer : kLayers) {
    const Problem batch(geometry(layer.image, 3, layer.ic), layer.oc, 6);
    Problem alone(geometry(layer.image, 1, layer.ic), layer.oc, 7);
    std::memcpy(alone.weights.data(), batch.weights.data(), batch.weights.size() * sizeof(float));
    std::memcpy(alone.bias.data(), batch.bias.data(), batch.bias.size() * sizeof(float));
    for (const int m : {2, 4}) {
      GuardedBuffer want(batch.residual.size()), got(alone.residual.size());
      run(batch, m, active_isa(), kEpilogues[1], 2, want);
      for (std::size_t n = 0; n < 3; n++) {
        std::memcpy(alone.src.data(), batch.src.data() + n * alone.src.size(), alone.src.size() * sizeof(float));
        std::memcpy(alone.residual.data(), batch.residual.data() + n * got.size(), got.size() * sizeof(float));
        run(alone, m, active_isa(), kEpilogues[1], 1, got);
        EXPECT_TRUE(same_bytes(want.data() + n * got.size(), got)) << "image " << n << ", m " << m;
      }
    }
  }
}

// Inputs as they come out of a Relu: where every pixel is positive, the transforms cancel most.
TEST(Winograd, RoundsLittleMoreThanDirectSummation) {
  for (const std::int64_t ic : {64, 256}) {
    const Problem p(geometry({14, 14}, 1, ic), 16, 8, 0);
    const std::vector<double> sums = p.sums();
    const auto rms = [&](const GuardedBuffer<float>& got) {
      double squares = 0;
      for (std::size_t i = 0; i < sums.size(); i++) squares += std::pow(static_cast<double>(got[i]) - sums[i], 2);
      return std::sqrt(squares / static_cast<double>(sums.size()));
    };
    GuardedBuffer dst(sums.size());
    for (std::int64_t i = 0; i < p.g.pixels() * p.oc; i++) {
      float sum = 0;
      p.for_each_tap(i / p.oc, [&](const float* from, std::int64_t tap) {
        for (std::int64_t k = 0; k < ic; k++) sum = std::fmaf(from[k], p.weight(i % p.oc, k, tap), sum);
      });
      dst[size(i)] = sum;
    }
    const double direct = rms(dst);
    run(p, 2, active_isa(), {}, 1, dst);
    EXPECT_LT(rms(dst), 1.2 * direct) << ic << " channels, F(2,3)";
    run(p, 4, active_isa(), {}, 1, dst);
    EXPECT_LT(rms(dst), 2.6 * direct) << ic << " channels, F(4,3)";
  }
}

TEST(Winograd, ARaisedFlagLeavesTheOutputAlone) {
  const Problem p(geometry({14, 14}, 1, 16), 64, 9);
  GuardedBuffer dst(p.residual.size());
  CancelFlag cancel;
  cancel.request();
  for (const int parts : {1, 3}) {
    run(p, 4, active_isa(), kEpilogues[2], parts, dst, cancel);
    EXPECT_TRUE(same_bytes(p.residual.data(), dst)) << parts << " parts";
  }
}

TEST(Winograd, IsChosenByTheLayersShape) {
  const auto square = [](std::int64_t side, std::int64_t ic) { return geometry({side, side}, 1, ic); };
  EXPECT_EQ(winograd_outputs(square(56, 64), 64), 4);
  EXPECT_EQ(winograd_outputs(square(14, 256), 256), 4);
  EXPECT_EQ(winograd_outputs(square(7, 512), 512), 2);
  EXPECT_EQ(winograd_outputs(square(224, 3), 64), 0);
  ConvGeometry batch = square(56, 64);
  batch.n = 16;
  EXPECT_EQ(winograd_outputs(batch, 64), 4);
  ConvGeometry atrous = square(56, 64);
  atrous.dilation = {1, 2, 2};
  atrous.pad = {0, 2, 2};
  EXPECT_EQ(winograd_outputs(atrous, 64), 4);
  ConvGeometry strided = square(56, 64), dilated = strided, large = strided, deep = strided;
  strided.stride = {1, 2, 2};
  strided.out = {1, 28, 28};
  dilated.dilation = {1, 56, 56};  // one pixel to each phase
  dilated.pad = {0, 56, 56};
  large.kernel = {1, 5, 5};
  large.pad = {0, 2, 2};
  deep.in[0] = deep.out[0] = 4;
  for (const ConvGeometry& g : {strided, dilated, large, deep}) EXPECT_EQ(winograd_outputs(g, 64), 0);
}

}  // namespace
}  // namespace adze
