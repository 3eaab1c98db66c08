#include "graph/conv/plain.h"

#include <algorithm>

#include "graph/elementwise.h"

namespace adze {
namespace {

// The source position along one axis that kernel element k of the output position `at` reads, or -1.
std::int64_t source_of(const PlainConv& conv, std::size_t axis, std::int64_t at, std::int64_t k) {
  const ConvGeometry& g = conv.geometry;
  std::int64_t position = at * g.stride[axis] + k * g.dilation[axis] - g.pad[axis];
  if (conv.transposed) {
    position = at + g.pad[axis] - k * g.dilation[axis];
    if (position % g.stride[axis]) return -1;
    position /= g.stride[axis];
  }
  return position >= 0 && position < g.in[axis] ? position : -1;
}

// The same for a pixel of the output and a tap, both counted over all axes.
std::int64_t source_pixel(const PlainConv& conv, std::int64_t pixel, std::int64_t tap) {
  const ConvGeometry& g = conv.geometry;
  std::int64_t source = 0, pitch = 1;
  for (std::size_t axis = kSpatial; axis-- > 0;) {
    const std::int64_t position = source_of(conv, axis, pixel % g.out[axis], tap % g.kernel[axis]);
    if (position < 0) return -1;
    source += position * pitch;
    pitch *= g.in[axis];
    pixel /= g.out[axis];
    tap /= g.kernel[axis];
  }
  return pixel * pitch + source;  // what is left of pixel counts images
}

template <class T>
double real(T value) {
  return static_cast<double>(static_cast<Compute<T>>(value));
}

// sums[o] += the products of one group's channels in a source pixel with their weights at a tap.
template <class T>
void add_products(const PlainConv& conv, const T* x, const T* w, std::int64_t group, double* sums) {
  const std::int64_t ic = conv.geometry.ic, oc = conv.group_oc, taps = conv.geometry.taps();
  const std::int64_t o_pitch = conv.transposed ? taps : ic * taps, i_pitch = conv.transposed ? oc * taps : taps;
  for (std::int64_t o = 0; o < oc; o++) {
    const T* row = w + group * ic * oc * taps + o * o_pitch;
    for (std::int64_t i = 0; i < ic; i++) sums[o] += real(x[i]) * real(row[i * i_pitch]);
  }
}

void run(const PlainConv& conv, const Call& call) {
  const ConvGeometry& g = conv.geometry;
  const std::int64_t oc = conv.groups * conv.group_oc, taps = g.taps();
  const Range pixels = call.slice.of(g.pixels());
  auto* sums = reinterpret_cast<double*>(call.scratch);
  dispatch_float(conv.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t pixel = pixels.begin; pixel < pixels.end && !call.cancel.requested(); pixel++) {
      for (std::int64_t o = 0; o < oc; o++) sums[o] = conv.bias ? real(call.in<T>(2)[o]) : 0;
      for (std::int64_t tap = 0; tap < taps; tap++) {
        const std::int64_t source = source_pixel(conv, pixel, tap);
        if (source < 0) continue;
        for (std::int64_t group = 0; group < conv.groups; group++) {
          const T* x = call.in<T>() + source * g.ic_pitch + group * g.ic;
          add_products(conv, x, call.in<T>(1) + tap, group, sums + group * conv.group_oc);
        }
      }
      for (std::int64_t o = 0; o < oc; o++) {
        call.out<T>()[pixel * oc + o] = static_cast<T>(static_cast<Compute<T>>(sums[o]));
      }
    }
  });
}

}  // namespace

Result<Step> plain_conv(const PlainConv& conv) {
  const std::int64_t oc = conv.groups * conv.group_oc;
  Step step = make_step<run>(conv, "plain_conv");
  step.scratch_bytes = static_cast<std::size_t>(oc) * sizeof(double);
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(conv.geometry.pixels() * oc / 64, 1, 256));
  return step;
}

}  // namespace adze
