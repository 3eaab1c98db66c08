// Convolution of planar images, variant by variant, against sums in double. Images, weights, scratch and outputs end at
// unreadable pages.
#include "kernels/conv/planar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"

namespace adze {
namespace {

using testing::GuardedBuffer;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

struct Case {
  std::int64_t h, w;
  std::int64_t kernel[2], stride[2] = {1, 1};
  std::int64_t pads[4] = {0, 0, 0, 0};  // above, left, below, right
};
const Case kCases[] = {
    {1, 2, {1, 1}},
    {5, 7, {1, 1}, {2, 2}},
    {9, 13, {1, 1}, {3, 4}},
    {6, 9, {3, 3}},
    {7, 10, {3, 3}, {1, 1}, {1, 1, 1, 1}},
    {8, 11, {3, 3}, {2, 2}, {0, 0, 1, 1}},
    {9, 16, {3, 3}, {2, 4}, {1, 0, 0, 2}},
    {10, 12, {3, 3}, {3, 1}, {2, 2, 0, 1}},
    {3, 3, {5, 5}, {1, 1}, {2, 2, 2, 2}},
    {8, 17, {5, 5}, {1, 2}, {2, 1, 2, 3}},
    {2, 2, {7, 7}, {1, 1}, {3, 3, 3, 3}},
    {12, 19, {7, 7}, {2, 2}, {3, 3, 2, 2}},
    {13, 21, {7, 7}, {3, 4}, {3, 2, 3, 3}},
    {6, 14, {3, 5}, {1, 1}, {1, 2, 1, 2}},
    {7, 15, {3, 5}, {2, 1}, {0, 4, 1, 0}},
    {2, 3, {3, 3}, {1, 1}, {4, 5, 4, 5}},
    {1, 1, {1, 1}, {1, 2}, {6, 9, 5, 8}},
    {1, 1, {1, 1}, {1, 4}, {0, 7, 0, 0}},   // no window reaches the image
    {5, 12, {1, 1}, {2, 4}, {0, 0, 0, 0}},  // nor the last columns
    {3, 2, {3, 3}, {1, 4}, {1, 0, 1, 30}},
};
constexpr std::int64_t kResults[] = {1, 6, 8, 16, 17, 32, 64, 80};

ConvGeometry geometry(const Case& c, std::int64_t n, std::int64_t ic) {
  ConvGeometry g;
  g.n = n;
  g.in = {1, c.h, c.w};
  g.kernel = {1, c.kernel[0], c.kernel[1]};
  g.stride = {1, c.stride[0], c.stride[1]};
  g.pad = {0, c.pads[0], c.pads[1]};
  g.out = {1, (c.h + c.pads[0] + c.pads[2] - c.kernel[0]) / c.stride[0] + 1,
           (c.w + c.pads[1] + c.pads[3] - c.kernel[1]) / c.stride[1] + 1};
  g.ic = g.ic_pitch = ic;
  return g;
}

struct Sum {
  double value = 0, absolute = 0;  // of the products
  void add(double x) { value += x, absolute += std::abs(x); }
};

// A layer with random operands in -1 to 1.
struct Problem {
  PlanarLayer layer;
  const ConvGeometry& g = layer.g;
  std::int64_t oc = layer.oc;
  GuardedBuffer<float> src, weights, bias, residual;

  Problem(const ConvGeometry& geometry, std::int64_t out_channels, std::uint64_t seed)
      : layer(geometry, out_channels),
        src(size(g.n * g.ic * volume(g.in))),
        weights(size(oc * g.ic * g.taps())),
        bias(size(blocks_of(oc) * kBlock)),
        residual(size(g.pixels() * oc)) {
    testing::Random random(seed);
    for (auto* operand : {&src, &weights, &bias, &residual}) random.fill(operand->span());
  }
  Problem(const Problem&) = delete;

  // Without bias, residual and activation.
  std::vector<Sum> sums() const {
    std::vector<Sum> result(size(g.pixels() * oc));
    for (std::int64_t p = 0; p < g.pixels(); p++) {
      const std::int64_t image = p / volume(g.out), y = p / g.out[2] % g.out[1], x = p % g.out[2];
      for (std::int64_t k = 0; k < layer.k(); k++) {
        const std::int64_t c = k / g.taps(), tap = k % g.taps();
        const std::int64_t from_y = y * g.stride[1] - g.pad[1] + tap / g.kernel[2];
        const std::int64_t from_x = x * g.stride[2] - g.pad[2] + tap % g.kernel[2];
        if (from_y < 0 || from_y >= g.in[1] || from_x < 0 || from_x >= g.in[2]) continue;
        const auto from = static_cast<double>(src[size(((image * g.ic + c) * g.in[1] + from_y) * g.in[2] + from_x)]);
        for (std::int64_t o = 0; o < oc; o++)
          result[size(p * oc + o)].add(from * static_cast<double>(weights[size(o * layer.k() + k)]));
      }
    }
    return result;
  }
};

struct Epilogue {
  bool bias = false, residual = false, in_place = false;
  ActivationArgs activation = {};
};
const Epilogue kEpilogues[] = {
    {},
    {true, false, false, {}},
    {true, true, false, {Activation::clip, 0, 0.75f}},
    {false, true, true, {Activation::silu, 0, 0}},
};

// The outputs lie in dst, which an in-place residual fills beforehand.
void run(const Problem& p, const Variant<const PlanarTiles*>& variant, const Epilogue& epilogue, int parts,
         GuardedBuffer<float>& dst, GuardedBuffer<float>& scratch, const CancelFlag& cancel = CancelFlag()) {
  PlanarArgs args{};
  args.layer = &p.layer;
  args.tiles = gemm_tile_f32.best(variant.isa).fn;
  args.planar = variant.fn;
  args.src = p.src.data();
  GuardedBuffer packed(size(packed_b_size(p.layer.k(), p.oc)));
  pack_b(p.layer.k(), p.oc, args.tiles->max_blocks, packed.data(),
         [&](std::int64_t k, std::int64_t o) { return p.weights[size(o * p.layer.k() + k)]; });
  args.weights = packed.data();
  args.bias = epilogue.bias ? p.bias.data() : nullptr;
  dst.poison();
  if (epilogue.in_place) std::memcpy(dst.data(), p.residual.data(), dst.size() * sizeof(float));
  args.residual = epilogue.in_place ? dst.data() : epilogue.residual ? p.residual.data() : nullptr;
  args.dst = dst.data();
  args.activation = epilogue.activation;
  for (int part = 0; part < parts; part++) {
    scratch.poison();
    planar_conv_f32(args, scratch.data(), {part, parts}, cancel);
  }
}
void run(const Problem& p, const Variant<const PlanarTiles*>& variant, const Epilogue& epilogue, int parts,
         GuardedBuffer<float>& dst) {
  GuardedBuffer scratch(size(p.layer.scratch_size()));
  run(p, variant, epilogue, parts, dst, scratch);
}

double activated(double x, const ActivationArgs& activation) {
  if (activation.kind == Activation::silu) return x / (1 + std::exp(-x));
  if (activation.kind == Activation::clip)
    return std::min(std::max(x, static_cast<double>(activation.alpha)), static_cast<double>(activation.beta));
  return x;
}

// One rounding per step of the chain, each at most half a unit of the largest partial sum, and what silu adds.
void expect_sums(const Problem& p, const std::vector<Sum>& sums, const Epilogue& epilogue,
                 const GuardedBuffer<float>& got, const std::string& what) {
  const bool silu = epilogue.activation.kind == Activation::silu;
  const double steps = static_cast<double>(p.layer.k() + 4), slope = silu ? 1.1 : 1, own = silu ? 8 : 0;
  for (std::size_t i = 0; i < sums.size(); i++) {
    Sum want = sums[i];
    if (epilogue.bias) want.add(static_cast<double>(p.bias[i % size(p.oc)]));
    if (epilogue.residual) want.add(static_cast<double>(p.residual[i]));
    const double bound = (steps * slope + own) * 0x1p-24 * want.absolute + 1e-30;
    ASSERT_NEAR(static_cast<double>(got[i]), activated(want.value, epilogue.activation), bound)
        << what << ", output " << i;
  }
}

// Every variant on one layer.
void expect_right(const Case& c, std::int64_t n, std::int64_t ic, std::int64_t oc, const Epilogue& epilogue) {
  const ConvGeometry g = geometry(c, n, ic);
  const std::string what = std::to_string(c.h) + " x " + std::to_string(c.w) + " kernel " +
                           std::to_string(c.kernel[0]) + " x " + std::to_string(c.kernel[1]) + " stride " +
                           std::to_string(c.stride[0]) + ' ' + std::to_string(c.stride[1]) + " ic " +
                           std::to_string(ic) + " oc " + std::to_string(oc);
  ASSERT_TRUE(planar_takes(g)) << what;
  const Problem p(g, oc, size(c.w * 1000 + ic * 100 + oc));
  const std::vector<Sum> sums = p.sums();
  GuardedBuffer dst(sums.size());
  for (const auto& variant : planar_tile_f32.variants) {
    if (variant.isa > active_isa()) continue;
    run(p, variant, epilogue, 1, dst);
    expect_sums(p, sums, epilogue, dst, std::string(isa_name(variant.isa)) + ' ' + what);
  }
}

TEST(Planar, EveryVariantOnAwkwardShapes) {
  std::int64_t turn = 0;
  for (const Case& c : kCases) {
    for (const std::int64_t ic : {1, 2, 3, 4}) {
      turn++;
      for (const std::int64_t oc : kResults) {
        expect_right(c, 1 + turn % 2, ic, oc, kEpilogues[turn % 4]);
        if (HasFatalFailure()) return;
        turn++;
      }
    }
  }
}

// So that tiles of every size come up.
TEST(Planar, EveryWidth) {
  for (std::int64_t w = 1; w <= 40; w++) {
    for (const std::int64_t stride : {1, 2, 4}) {
      for (const std::int64_t oc : kResults) {
        expect_right({3, w, {3, 3}, {1, stride}, {0, 3, 0, 3}}, 1, 1 + w % 4, oc, kEpilogues[(w + stride) % 4]);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Strips of a single row, and of some rows that don't divide the image.
const Case kSingle = {40, 1500, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kSome = {40, 1500, {3, 3}, {2, 4}, {1, 1, 0, 1}};

TEST(Planar, WideImagesInStripsOfFewRows) {
  EXPECT_EQ(PlanarLayer(geometry(kSingle, 1, 3), 6).strip_rows, 1);
  const PlanarLayer some(geometry(kSome, 2, 1), 6);
  EXPECT_GT(some.strip_rows, 1);
  EXPECT_NE(some.g.out[1] % some.strip_rows, 0);
  expect_right(kSingle, 1, 3, 6, kEpilogues[2]);
  expect_right(kSome, 2, 1, 6, kEpilogues[3]);
}

bool same_bytes(const GuardedBuffer<float>& a, const GuardedBuffer<float>& b) {
  return std::memcmp(a.data(), b.data(), b.size() * sizeof(float)) == 0;
}

TEST(Planar, SameBytesForSlicesAndVariants) {
  const struct {
    Case shape;
    std::int64_t ic, oc;
  } layers[] = {{kCases[9], 3, 80}, {kCases[11], 3, 64}, {kCases[14], 4, 17}, {kCases[16], 1, 6}, {kSome, 1, 8}};
  for (const auto& layer : layers) {
    const Problem p(geometry(layer.shape, 2, layer.ic), layer.oc, 5);
    for (const Epilogue& epilogue : kEpilogues) {
      GuardedBuffer want(p.residual.size()), got(p.residual.size());
      run(p, planar_tile_f32.variants.back(), epilogue, 1, want);
      for (const auto& variant : planar_tile_f32.variants) {
        if (variant.isa > active_isa()) continue;
        for (const int parts : {1, 2, 3, 5}) {
          run(p, variant, epilogue, parts, got);
          EXPECT_TRUE(same_bytes(want, got)) << isa_name(variant.isa) << ", " << parts << " parts";
        }
      }
    }
  }
}

TEST(Planar, ARaisedFlagLeavesOutputAndScratchAlone) {
  const Problem p(geometry(kCases[11], 2, 3), 32, 9);
  GuardedBuffer dst(p.residual.size()), scratch(size(p.layer.scratch_size())), untouched(scratch.size());
  untouched.poison();
  CancelFlag cancel;
  cancel.request();
  for (const auto& variant : planar_tile_f32.variants) {
    if (variant.isa > active_isa()) continue;
    for (const int parts : {1, 3}) {
      run(p, variant, kEpilogues[3], parts, dst, scratch, cancel);
      EXPECT_TRUE(same_bytes(dst, p.residual)) << parts << " parts";
      EXPECT_TRUE(same_bytes(scratch, untouched)) << parts << " parts";
    }
  }
}

TEST(Planar, TakesShallowImages) {
  const Case first = {224, 224, {7, 7}, {2, 2}, {3, 3, 3, 3}};
  for (const std::int64_t ic : {1, 2, 3, 4}) EXPECT_TRUE(planar_takes(geometry(first, 1, ic)));
  EXPECT_FALSE(planar_takes(geometry(first, 1, 5)));

  for (const std::int64_t stride : {1, 2, 4}) {
    EXPECT_TRUE(planar_takes(geometry({20, 30, {3, 3}, {3, stride}}, 1, 3)));
  }
  for (const std::int64_t stride : {3, 5, 8}) {
    EXPECT_FALSE(planar_takes(geometry({20, 30, {3, 3}, {1, stride}}, 1, 3)));
  }
  EXPECT_TRUE(planar_takes(geometry({20, 30, {16, 16}}, 1, 4)));
  EXPECT_FALSE(planar_takes(geometry({20, 30, {16, 17}}, 1, 4)));
  EXPECT_TRUE(planar_takes(geometry({20, 4, {3, 3}}, 1, 3)));
  EXPECT_FALSE(planar_takes(geometry({20, 3, {3, 3}}, 1, 3)));  // one column of outputs

  for (std::size_t axis = 1; axis < kSpatial; axis++) {
    ConvGeometry dilated = geometry(first, 1, 3);
    dilated.dilation[axis] = 2;
    EXPECT_FALSE(planar_takes(dilated));
  }
  ConvGeometry deep = geometry(first, 1, 3);
  deep.in[0] = deep.out[0] = 4;
  EXPECT_FALSE(planar_takes(deep));
}

TEST(Planar, LeavesWhatMakesNoStrip) {
  EXPECT_FALSE(planar_takes(geometry({20, 30, {3, 3}}, 1, 0)));
  ConvGeometry no_rows = geometry({1, 30, {1, 3}, {3, 1}}, 1, 3);
  no_rows.in[1] = no_rows.out[1] = 0;
  EXPECT_FALSE(planar_takes(no_rows));
  // The strip of a single row grows by each line that the kernel reaches.
  const auto tall = [](std::int64_t w) { return geometry({1, w, {1024, 1}, {1, 1}, {512, 0, 512, 0}}, 1, 1); };
  EXPECT_TRUE(planar_takes(tall(1024)));
  EXPECT_FALSE(planar_takes(tall(1025)));
  EXPECT_FALSE(planar_takes(tall(3 << 20)));
}

}  // namespace
}  // namespace adze
