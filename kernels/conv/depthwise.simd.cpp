#include "kernels/conv/depthwise.h"

#include <algorithm>

#include "kernels/core/activate.h"
#include "kernels/core/half.h"
#include "kernels/core/lanes.h"

namespace adze::ADZE_TARGET {
namespace {

// Outputs of a row that are computed together, and rows. Their chains hide the multiply-add's latency; a second row
// reads most of its source from registers, where there are enough of them.
constexpr int kStrip = 7;
#if defined(ADZE_TARGET_avx512)
constexpr int kStripRows = 2;
#else
constexpr int kStripRows = 1;
#endif

constexpr int kMostLines = 7 + 2;  // a 7 x 7 kernel over two rows with stride 2

// Some outputs of one row or two, and what they read: `columns` neighbouring pixels of `lines` source lines, of which
// some may be outside.
struct Strip {
  const DepthwiseArgs* args;
  const float* line[kMostLines];  // pixel 0 of the source lines that are inside
  std::int64_t column;            // floats from there to the first pixel that is read, which may be outside
  std::int64_t pixel_pitch;       // floats
  std::uint32_t lines;            // bit l: line l is inside
  std::uint32_t columns;          // bit p: pixel p of a line is inside
  const float* weights;           // of the first kernel element in this plane
  std::int64_t pitch;             // floats between kernel elements
  std::int64_t out;               // the first output pixel, counted from dst
  std::int64_t dst_pitch, residual_pitch;
  float* sums;  // of the first row so far, or null; the next row's lie behind
  int fresh;    // the first output that isn't among them
};

Strip strip_of(const DepthwiseArgs& args) {
  Strip s{};
  s.args = &args;
  s.dst_pitch = pixel_pitch(args.dst_pitch, args.geometry.ic);
  s.residual_pitch = pixel_pitch(args.residual_pitch, args.geometry.ic);
  return s;
}

template <int Rows, int Count>
ADZE_INLINE void start(const Strip& s, std::int64_t c, Vec (&acc)[Rows][Count]) {
  const Vec bias = s.args->bias ? vec_load(s.args->bias + c) : vec_splat(0.0f);
  ADZE_UNROLL for (int r = 0; r < Rows; r++) { ADZE_UNROLL for (int i = 0; i < Count; i++) acc[r][i] = bias; }
}

// Clipping stays in registers.
template <int Rows, int Count>
ADZE_INLINE void finish(const Strip& s, std::int64_t c, int lanes, Vec (&acc)[Rows][Count]) {
  const DepthwiseArgs& a = *s.args;
  const ActivationArgs& f = a.activation;
  ADZE_UNROLL for (int r = 0; r < Rows; r++) {
    const std::int64_t out = s.out + r * a.geometry.out[2];
    const float* residual = a.residual ? a.residual + out * s.residual_pitch + c : nullptr;
    float* dst = a.dst + out * s.dst_pitch + c;
    ADZE_UNROLL for (int i = 0; i < Count; i++) {
      if (residual) acc[r][i] = acc[r][i] + vec_load_partial(residual + i * s.residual_pitch, lanes);
      if (f.kind == Activation::clip) acc[r][i] = min(vec_splat(f.beta), max(vec_splat(f.alpha), acc[r][i]));
      vec_store_partial(dst + i * s.dst_pitch, acc[r][i], lanes);
    }
  }
}

// Replaces what is stored by f of it, and sums up.
template <class F>
ADZE_INLINE void over_stored(const Strip& s, std::int64_t c, int lanes, int rows, int count, F f) {
  const DepthwiseArgs& a = *s.args;
  for (int r = 0; r < rows; r++) {
    float* sum = s.sums ? s.sums + r * a.geometry.ic + c : nullptr;
    f32x16 acc = sum ? load_lanes(sum, lanes) : splat(0.0f);
    for (int i = 0; i < count; i++) {
      float* dst = a.dst + (s.out + r * a.geometry.out[2] + i) * s.dst_pitch + c;
      const f32x16 x = f(load_lanes(dst, lanes));
      store_lanes(dst, x, lanes);
      if (i >= s.fresh) acc = acc + x;
    }
    if (sum) store_lanes(sum, acc, lanes);
  }
}

// The long functions run over what is stored (as in kernels/gemm/tile.simd.cpp), and sums over what they give.
void activate_stored(const Strip& s, std::int64_t c, int lanes, int rows, int count) {
  const ActivationArgs& f = s.args->activation;
  if (f.kind == Activation::clip || f.kind == Activation::none) {
    if (s.sums) over_stored(s, c, lanes, rows, count, [](const f32x16& x) { return x; });
    return;
  }
  with_activation(f.kind, [&](auto kind) {
    over_stored(s, c, lanes, rows, count, [&](const f32x16& x) { return activate<kind()>(x, f.alpha, f.beta); });
  });
}

// The sums of row r, and of `rows` in all from there on, start from 0.
float* clear_sums(const DepthwiseArgs& args, std::int64_t r, int rows) {
  if (!args.sums) return nullptr;
  float* sums = args.sums + r * args.geometry.ic;
  std::fill_n(sums, rows * args.geometry.ic, 0.0f);
  return sums;
}

constexpr bool in_kernel(int k, int size) { return k >= 0 && k < size; }

// Line l of the source, for a K x K kernel with stride S: every pixel is loaded once and serves all the outputs that
// it belongs to, in the order of kx for each.
template <int K, int S, int Rows, bool Checked, bool Full>
ADZE_INLINE void line(const Strip& s, int l, std::int64_t c, int lanes, Vec (&acc)[Rows][kStrip]) {
  const float* src = s.line[l] + s.column + c;
  Vec w[Rows][K];
  ADZE_UNROLL for (int r = 0; r < Rows; r++) {
    ADZE_UNROLL for (int kx = 0; kx < K; kx++) {
      if (in_kernel(l - r * S, K)) w[r][kx] = vec_load(s.weights + ((l - r * S) * K + kx) * s.pitch + c);
    }
  }
  ADZE_UNROLL for (int p = 0; p < (kStrip - 1) * S + K; p++) {
    if (Checked && !(s.columns >> p & 1)) continue;
    const float* pixel = src + p * s.pixel_pitch;
    const Vec x = Full ? vec_load(pixel) : vec_load_partial(pixel, lanes);
    ADZE_UNROLL for (int r = 0; r < Rows; r++) {
      ADZE_UNROLL for (int i = 0; i < kStrip; i++) {
        const int kx = p - i * S;
        if (in_kernel(l - r * S, K) && in_kernel(kx, K)) acc[r][i] = fma(x, w[r][kx], acc[r][i]);
      }
    }
  }
}

template <int K, int S, int Rows, bool Checked, bool Full>
ADZE_INLINE void channels(const Strip& s, std::int64_t c, int lanes) {
  Vec acc[Rows][kStrip];
  start(s, c, acc);
  ADZE_UNROLL for (int l = 0; l < K + (Rows - 1) * S; l++) {
    if (!(s.lines >> l & 1)) continue;
    line<K, S, Rows, Checked, Full>(s, l, c, lanes, acc);
  }
  finish(s, c, lanes, acc);
}

template <int K, int S, int Rows, bool Checked>
void strip(const Strip& s) {
  const std::int64_t count = s.args->geometry.ic;
  std::int64_t c = 0;
  for (; c + kVecLanes <= count; c += kVecLanes) channels<K, S, Rows, Checked, true>(s, c, kVecLanes);
  if (c < count) channels<K, S, Rows, Checked, false>(s, c, static_cast<int>(count - c));
  for_blocks(count, [&](std::int64_t block, int lanes) { activate_stored(s, block, lanes, Rows, kStrip); });
}

// Bit i: position from + i lies in [0, size).
std::uint32_t inside_bits(std::int64_t from, int count, std::int64_t size) {
  std::uint32_t bits = 0;
  for (int i = 0; i < count; i++) bits |= static_cast<std::uint32_t>(from + i >= 0 && from + i < size) << i;
  return bits;
}

// Pixel 0 of source line y of an image, which must be inside.
const float* source_line(const DepthwiseArgs& args, std::int64_t image, std::int64_t y) {
  const ConvGeometry& g = args.geometry;
  const std::int64_t line = args.src_lines ? y % args.src_lines : image * g.in[0] * g.in[1] + y;
  return args.src + line * g.in[2] * g.ic_pitch;
}

// One row of outputs, or two. The last strip ends at the row's end, over outputs that are already there.
template <int K, int S, int Rows>
void row(const DepthwiseArgs& args, std::int64_t r) {
  constexpr int kLines = K + (Rows - 1) * S, kColumns = (kStrip - 1) * S + K;
  const ConvGeometry& g = args.geometry;
  const std::int64_t y = r % g.out[1] * S - g.pad[1];
  Strip s = strip_of(args);
  s.lines = inside_bits(y, kLines, g.in[1]);
  for (int l = 0; l < kLines; l++) {
    if (s.lines >> l & 1) s.line[l] = source_line(args, r / g.out[1], y + l);
  }
  s.sums = clear_sums(args, r, Rows);
  s.pixel_pitch = g.ic_pitch;
  s.weights = args.weights;
  s.pitch = (g.ic + kLanes - 1) / kLanes * kLanes;
  for (std::int64_t x = 0; x < g.out[2]; x += kStrip) {
    const std::int64_t from = std::min(x, g.out[2] - kStrip), sx = from * S - g.pad[2];
    s.column = sx * g.ic_pitch;
    s.out = (r - args.dst_row) * g.out[2] + from;
    s.fresh = static_cast<int>(x - from);
    s.columns = inside_bits(sx, kColumns, g.in[2]);
    if (s.columns == (1u << kColumns) - 1) {
      strip<K, S, Rows, false>(s);
    } else {
      strip<K, S, Rows, true>(s);
    }
  }
}

template <int K, int S>
void rows_of(const DepthwiseArgs& args, Range rows) {
  std::int64_t r = rows.begin;
  while (r < rows.end) {
    const bool two = kStripRows > 1 && r + 1 < rows.end && r % args.geometry.out[1] + 1 < args.geometry.out[1];
    if (two) {
      row<K, S, kStripRows>(args, r);
    } else {
      row<K, S, 1>(args, r);
    }
    r += two ? 2 : 1;
  }
}

// Any other kernel: `Count` outputs of a row from column x on. One by one, what is outside is left out; more at once
// only where all their pixels lie inside the source's width.
template <int Count>
void any_outputs(const DepthwiseArgs& args, std::int64_t out, float* sums) {
  const ConvGeometry& g = args.geometry;
  const std::int64_t pitch = (g.ic + kLanes - 1) / kLanes * kLanes, image = out / volume(g.out);
  const std::int64_t x0 = out % g.out[2] * g.stride[2] - g.pad[2],
                     y0 = out / g.out[2] % g.out[1] * g.stride[1] - g.pad[1];
  const std::int64_t z0 = out / g.out[2] / g.out[1] % g.out[0] * g.stride[0] - g.pad[0];
  Strip s = strip_of(args);
  s.out = out - args.dst_row * g.out[2];
  s.sums = sums;
  for (std::int64_t c = 0; c < g.ic; c += kVecLanes) {
    const int lanes = static_cast<int>(std::min<std::int64_t>(g.ic - c, kVecLanes));
    Vec acc[1][Count];
    start(s, c, acc);
    for (std::int64_t kz = 0; kz < g.kernel[0]; kz++) {
      const std::int64_t sz = z0 + kz * g.dilation[0];
      if (sz < 0 || sz >= g.in[0]) continue;
      for (std::int64_t ky = 0; ky < g.kernel[1]; ky++) {
        const std::int64_t sy = y0 + ky * g.dilation[1];
        if (sy < 0 || sy >= g.in[1]) continue;
        const float* line = source_line(args, image, sz * g.in[1] + sy) + c;
        const float* w = args.weights + (kz * g.kernel[1] + ky) * g.kernel[2] * pitch + c;
        for (std::int64_t kx = 0; kx < g.kernel[2]; kx++, w += pitch) {
          const std::int64_t sx = x0 + kx * g.dilation[2];
          if (Count == 1 && (sx < 0 || sx >= g.in[2])) continue;
          const Vec weight = vec_load(w);
          ADZE_UNROLL for (int i = 0; i < Count; i++) {
            const float* pixel = line + (sx + i * g.stride[2]) * g.ic_pitch;
            acc[0][i] = fma(lanes == kVecLanes ? vec_load(pixel) : vec_load_partial(pixel, lanes), weight, acc[0][i]);
          }
        }
      }
    }
    finish(s, c, lanes, acc);
  }
  for_blocks(g.ic, [&](std::int64_t block, int lanes) { activate_stored(s, block, lanes, 1, Count); });
}

void any_rows(const DepthwiseArgs& args, Range rows) {
  const ConvGeometry& g = args.geometry;
  const std::int64_t reach = (g.kernel[2] - 1) * g.dilation[2];
  for (std::int64_t r = rows.begin; r < rows.end; r++) {
    float* sums = clear_sums(args, r, 1);
    for (std::int64_t x = 0; x < g.out[2];) {
      const std::int64_t first = x * g.stride[2] - g.pad[2], last = first + (kStrip - 1) * g.stride[2] + reach;
      const bool together = x + kStrip <= g.out[2] && first >= 0 && last < g.in[2];
      if (together) {
        any_outputs<kStrip>(args, r * g.out[2] + x, sums);
      } else {
        any_outputs<1>(args, r * g.out[2] + x, sums);
      }
      x += together ? kStrip : 1;
    }
  }
}

}  // namespace

void depthwise_rows(const DepthwiseArgs& args, Range rows) {
  const ConvGeometry& g = args.geometry;
  const bool flat = g.in[0] == 1 && g.kernel[0] == 1 && g.out[0] == 1 && g.out[2] >= kStrip;
  const bool even = g.kernel[1] == g.kernel[2] && g.stride[1] == g.stride[2] && g.dilation == Spatial{1, 1, 1};
  const auto is = [&](int k, int s) { return flat && even && g.kernel[2] == k && g.stride[2] == s; };
  if constexpr (kRegLanes > 1) {  // without vectors, the plain form is the reference and compiles in no time
    if (is(3, 1)) return rows_of<3, 1>(args, rows);
    if (is(3, 2)) return rows_of<3, 2>(args, rows);
    if (is(5, 1)) return rows_of<5, 1>(args, rows);
    if (is(5, 2)) return rows_of<5, 2>(args, rows);
    if (is(7, 1)) return rows_of<7, 1>(args, rows);
    if (is(7, 2)) return rows_of<7, 2>(args, rows);
  }
  any_rows(args, rows);
}

}  // namespace adze::ADZE_TARGET
