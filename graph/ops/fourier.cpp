// DFT and STFT. Complex numbers are pairs in the last axis; a last axis of 1 means real.
#include "graph/fourier.h"

#include "graph/axis.h"
#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

using Complex = std::complex<double>;

template <class T>
double real(const T* p, std::int64_t i) {
  return static_cast<double>(static_cast<Compute<T>>(p[i]));
}

// ---- DFT ------------------------------------------------------------------------------------------------------------

struct Dft {
  std::int64_t outer, n, inner, parts;  // of the input; parts: 1 real, 2 complex
  std::int64_t length, out_n, out_parts;
  int axis;
  bool inverse, onesided;
};

Result<Dft> dft_of(const InferContext& context) {
  const Node& node = context.node;
  const Shape& data = context.shape(0);
  if (data.rank() < 2 || (data.back() != 1 && data.back() != 2)) {
    return make_error(Code::invalid_model, "shape ", to_string(data), " has no last axis of 1 or 2");
  }
  // The axis became an input with version 20.
  std::int64_t axis = node.version >= 20 ? -2 : node.attributes.integer("axis", 1);
  if (node.version >= 20 && context.has(2)) {
    ADZE_TRY(const auto given, context.ints(2));
    if (given.size() != 1) return make_error(Code::invalid_model, "the axis must be a single number");
    axis = given[0];
  }
  const auto normal = normalise_axis(axis, data.rank());
  if (!normal || *normal == data.rank() - 1) return make_error(Code::invalid_model, "axis ", axis, " is out of range");
  Dft d{};
  d.axis = *normal;
  d.outer = data.elements(0, d.axis);
  d.n = data[d.axis];
  d.inner = data.elements(d.axis + 1, data.rank() - 1);
  d.parts = data.back();
  d.inverse = node.attributes.integer("inverse", 0) != 0;
  d.onesided = node.attributes.integer("onesided", 0) != 0;
  d.length = d.inverse && d.onesided ? 2 * (d.n - 1) : d.n;
  if (context.has(1)) {
    ADZE_TRY(const auto given, context.ints(1));
    if (given.size() != 1) return make_error(Code::invalid_model, "dft_length must be a single number");
    d.length = given[0];
  }
  if (d.length < 1 || d.length > (std::int64_t{1} << 24)) {
    return make_error(Code::invalid_model, "a length of ", d.length, " is out of range");
  }
  // Half a spectrum gives a real signal, and the other way round.
  d.out_n = !d.inverse && d.onesided ? d.length / 2 + 1 : d.length;
  d.out_parts = d.inverse && d.onesided ? 1 : 2;
  return d;
}

Result<void> infer_dft(InferContext& context) {
  ADZE_TRY(const Dft d, dft_of(context));
  Shape shape = context.shape(0);
  shape[d.axis] = d.out_n;
  shape[shape.rank() - 1] = d.out_parts;
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of_dft(const InferContext& context) {
  ADZE_TRY(const Dft d, dft_of(context));
  std::vector<bool> mixed(static_cast<std::size_t>(context.shape(0).rank()));
  mixed[static_cast<std::size_t>(d.axis)] = mixed.back() = true;
  return lanes_except(context, mixed);
}

struct DftArgs {
  Dft d;
  DType type;
};

void run_dft(const DftArgs& args, const Call& call) {
  const Dft& d = args.d;
  const Range lines = call.slice.of(d.outer * d.inner);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t line = lines.begin; line < lines.end && !call.cancel.requested(); line++) {
      const std::int64_t o = line / d.inner, i = line % d.inner;
      std::vector<Complex> x(static_cast<std::size_t>(d.length));
      for (std::int64_t t = 0; t < std::min(d.n, d.length); t++) {
        const std::int64_t at = ((o * d.n + t) * d.inner + i) * d.parts;
        x[static_cast<std::size_t>(t)] = {real(call.in<T>(), at), d.parts == 2 ? real(call.in<T>(), at + 1) : 0};
      }
      if (d.inverse && d.onesided) {  // the other half is the conjugate
        for (std::int64_t t = d.length / 2 + 1; t < d.length; t++) {
          x[static_cast<std::size_t>(t)] = std::conj(x[static_cast<std::size_t>(d.length - t)]);
        }
        x[0] = x[0].real();
        if (d.length % 2 == 0)
          x[static_cast<std::size_t>(d.length / 2)] = x[static_cast<std::size_t>(d.length / 2)].real();
      }
      const auto y = fourier(x, d.inverse);
      const double scale = d.inverse ? 1.0 / static_cast<double>(d.length) : 1;
      for (std::int64_t k = 0; k < d.out_n; k++) {
        const Complex value = y[static_cast<std::size_t>(k)] * scale;
        T* dst = call.out<T>() + ((o * d.out_n + k) * d.inner + i) * d.out_parts;
        dst[0] = static_cast<T>(static_cast<Compute<T>>(value.real()));
        if (d.out_parts == 2) dst[1] = static_cast<T>(static_cast<Compute<T>>(value.imag()));
      }
    }
  });
}

Result<Step> prepare_dft(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const Dft d, dft_of(again));
  Step step = make_step<run_dft>(DftArgs{d, context.in(0).type}, "dft");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(d.outer * d.inner, 1, 256));
  step.unread = 0b110;
  return step;
}

// ---- STFT -----------------------------------------------------------------------------------------------------------

struct Stft {
  std::int64_t n, signal, parts, step, length, frames, bins;
  bool window;
};

Result<Stft> stft_of(const InferContext& context) {
  const Shape& data = context.shape(0);
  if (data.rank() != 3 || (data[2] != 1 && data[2] != 2)) {
    return make_error(Code::invalid_model, "the signal ", to_string(data), " is no [n, t, 1 or 2]");
  }
  Stft s{};
  s.n = data[0];
  s.signal = data[1];
  s.parts = data[2];
  ADZE_TRY(const auto step, context.ints(1));
  s.window = context.has(2);
  s.length = s.window ? context.in(2).elements() : s.signal;
  if (context.has(3)) {
    ADZE_TRY(const auto length, context.ints(3));
    if (length.size() != 1 || (s.window && length[0] != s.length)) {
      return make_error(Code::invalid_model, "frame_length doesn't fit the window");
    }
    s.length = length[0];
  }
  if (step.size() != 1 || step[0] < 1 || s.length < 1 || s.length > s.signal) {
    return make_error(Code::invalid_model, "frames of ", s.length, " don't fit a signal of ", s.signal);
  }
  s.step = step[0];
  s.frames = (s.signal - s.length) / s.step + 1;
  s.bins = context.node.attributes.integer("onesided", 1) ? s.length / 2 + 1 : s.length;
  return s;
}

Result<void> infer_stft(InferContext& context) {
  ADZE_TRY(const Stft s, stft_of(context));
  context.set_shape(0, {s.n, s.frames, s.bins, 2});
  return {};
}

struct StftArgs {
  Stft s;
  DType type;
};

void run_stft(const StftArgs& args, const Call& call) {
  const Stft& s = args.s;
  const Range frames = call.slice.of(s.n * s.frames);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t f = frames.begin; f < frames.end && !call.cancel.requested(); f++) {
      const std::int64_t first = f / s.frames * s.signal + f % s.frames * s.step;
      std::vector<Complex> x(static_cast<std::size_t>(s.length));
      for (std::int64_t t = 0; t < s.length; t++) {
        const std::int64_t at = (first + t) * s.parts;
        const double weight = s.window ? real(call.in<T>(2), t) : 1;
        x[static_cast<std::size_t>(t)] =
            weight * Complex(real(call.in<T>(), at), s.parts == 2 ? real(call.in<T>(), at + 1) : 0);
      }
      const auto y = fourier(x, false);
      for (std::int64_t k = 0; k < s.bins; k++) {
        const Complex value = y[static_cast<std::size_t>(k)];
        T* dst = call.out<T>() + (f * s.bins + k) * 2;
        dst[0] = static_cast<T>(static_cast<Compute<T>>(value.real()));
        dst[1] = static_cast<T>(static_cast<Compute<T>>(value.imag()));
      }
    }
  });
}

Result<Step> prepare_stft(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const Stft s, stft_of(again));
  Step step = make_step<run_stft>(StftArgs{s, context.in(0).type}, "stft");
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(s.n * s.frames, 1, 256));
  step.unread = 0b1010;
  return step;
}

constexpr int kDft[] = {17, 20}, kStft[] = {17};
constexpr AttrSpec kDftAttributes[] = {{"axis", AttrKind::integer},
                                       {"inverse", AttrKind::integer, false, 0, 1},
                                       {"onesided", AttrKind::integer, false, 0, 1}};
constexpr AttrSpec kStftAttributes[] = {{"onesided", AttrKind::integer, false, 0, 1}};
constexpr TypeMask kDftTypes[] = {kFloats, kIndices, kIndices};
constexpr TypeMask kStftTypes[] = {kFloats, kIndices, kFloats, kIndices};

constexpr OpDef kOps[] = {{.name = "DFT",
                           .versions = kDft,
                           .attributes = kDftAttributes,
                           .inputs = {1, 3},
                           .input_types = kDftTypes,
                           .infer = infer_dft,
                           .prepare = prepare_dft,
                           .lanes = lanes_of_dft},
                          {.name = "STFT",
                           .versions = kStft,
                           .attributes = kStftAttributes,
                           .inputs = {2, 4},
                           .input_types = kStftTypes,
                           .infer = infer_stft,
                           .prepare = prepare_stft,
                           .lanes = lanes_by_row<0>}};

}  // namespace
extern const std::span<const OpDef> ops_fourier;
constinit const std::span<const OpDef> ops_fourier{kOps};

}  // namespace adze
