// GridSample and AffineGrid: an image read at positions from a grid whose coordinates run from -1 to 1, x before y
// before z; and the grid of an affine map.
#include <array>
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"
#include "graph/window.h"

namespace adze {
namespace {

enum class Mode { nearest, linear, cubic };
enum class Padding { zeros, border, reflection };

std::optional<Mode> mode_of(const Node& node) {
  // Version 20 renamed them when it took in more axes.
  const std::string mode = node.attributes.string("mode", "linear");
  if (mode == "nearest") return Mode::nearest;
  if (mode == "linear" || mode == "bilinear") return Mode::linear;
  if (mode == "cubic" || mode == "bicubic") return Mode::cubic;
  return std::nullopt;
}
std::optional<Padding> padding_of(const Node& node) {
  const std::string padding = node.attributes.string("padding_mode", "zeros");
  if (padding == "zeros") return Padding::zeros;
  if (padding == "border") return Padding::border;
  if (padding == "reflection") return Padding::reflection;
  return std::nullopt;
}

Result<void> check(const Node& node) {
  if (mode_of(node) && padding_of(node)) return {};
  return make_error(Code::invalid_model, "attribute \"mode\" or \"padding_mode\" is not known");
}

Result<void> infer(InferContext& context) {
  const Shape &data = context.shape(0), &grid = context.shape(1);
  ADZE_TRY(Image image, Image::of(data, false));
  const int axes = image.axes();
  if (grid.rank() != data.rank() || grid.back() != axes || grid[0] != data[0]) {
    return make_error(Code::invalid_model, "grid ", to_string(grid), " doesn't fit ", to_string(data));
  }
  for (int axis = 0; axis < axes; axis++) image.spatial[static_cast<std::size_t>(axis)] = grid[axis + 1];
  context.set_shape(0, image.shape(false));
  return {};
}

struct Args {
  DType type, grid_type;
  Mode mode;
  Padding padding;
  bool align;
  std::int64_t n, c, positions;
  int axes;
  std::vector<std::int64_t> size;
};

// Mirrored at the borders until it lies between them.
float reflect(float x, float low, float high) {
  const float range = high - low;
  if (range <= 0) return low;
  if (x < low || x > high) {
    const float beyond = x < low ? low - x : x - high;
    const float turns = std::floor(beyond / range), rest = beyond - turns * range;
    const bool from_low = (x < low) == (static_cast<std::int64_t>(turns) % 2 == 0);
    return from_low ? low + rest : high - rest;
  }
  return x;
}

// The elements that one coordinate reads along an axis and their weights; index -1 stands for 0.
struct Taps {
  int count = 0;
  std::array<std::int64_t, 4> index{};
  std::array<double, 4> weight{};
};

constexpr double kCubic = -0.75;  // Keys' parameter, as the specification has it

Taps taps_of(const Args& args, double coordinate, std::int64_t size) {
  const auto n = static_cast<float>(size);
  const float low = args.align ? 0 : -0.5f, high = args.align ? n - 1 : n - 0.5f;
  const auto c = static_cast<float>(coordinate);
  float x = args.align ? (c + 1) / 2 * (n - 1) : ((c + 1) * n - 1) / 2;
  if (args.mode == Mode::nearest) x = std::nearbyint(x);
  if (!(std::fabs(x) < 0x1p30f)) x = -0x1p30f;  // also not a number
  if (x < low || x > high) {
    if (args.padding == Padding::border) x = std::clamp(x, 0.0f, n - 1);
    if (args.padding == Padding::reflection) x = reflect(x, low, high);
  }
  const float whole = std::floor(x);
  const double f = static_cast<double>(x - whole);
  Taps taps;
  auto first = static_cast<std::int64_t>(whole);
  switch (args.mode) {
    case Mode::nearest:
      taps.count = 1;
      taps.weight[0] = 1;
      break;
    case Mode::linear:
      taps.count = 2;
      taps.weight = {1 - f, f};
      break;
    case Mode::cubic:
      taps.count = 4;
      first--;
      const auto far = [](double d) { return ((kCubic * d - 5 * kCubic) * d + 8 * kCubic) * d - 4 * kCubic; };
      const auto near = [](double d) { return ((kCubic + 2) * d - (kCubic + 3)) * d * d + 1; };
      taps.weight = {far(f + 1), near(f), near(1 - f), far(2 - f)};
  }
  for (int i = 0; i < taps.count; i++) {
    std::int64_t index = first + i;
    if (index < 0 || index >= size) {
      if (args.padding == Padding::zeros) index = -1;
      if (args.padding == Padding::border) index = std::clamp<std::int64_t>(index, 0, size - 1);
      if (args.padding == Padding::reflection) {
        index = std::clamp<std::int64_t>(static_cast<std::int64_t>(reflect(static_cast<float>(index), low, high)), 0,
                                         size - 1);
      }
    }
    taps.index[static_cast<std::size_t>(i)] = index;
  }
  return taps;
}

template <class T>
double weighted(const Args& args, const T* plane, const std::array<Taps, kSpatial>& taps, int axis,
                std::int64_t offset) {
  if (axis == args.axes) return static_cast<double>(static_cast<Compute<T>>(plane[offset]));
  const Taps& t = taps[static_cast<std::size_t>(axis)];
  double sum = 0;
  for (int i = 0; i < t.count; i++) {
    const std::int64_t index = t.index[static_cast<std::size_t>(i)];
    if (index < 0) continue;
    sum += t.weight[static_cast<std::size_t>(i)] *
           weighted(args, plane, taps, axis + 1, offset * args.size[static_cast<std::size_t>(axis)] + index);
  }
  return sum;
}

// Cut to the whole part and to the range of integers.
template <class T>
T stored(double x) {
  if constexpr (std::is_same_v<T, bool>) {
    return x != 0;
  } else if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    if (!(x > static_cast<double>(Limits::min()))) return Limits::min();
    return x < static_cast<double>(Limits::max()) ? static_cast<T>(x) : Limits::max();
  } else {
    return static_cast<T>(static_cast<Compute<T>>(x));
  }
}

double coordinate(const Args& args, const Call& call, std::int64_t i) {
  return dispatch_float(args.grid_type, [&](auto tag) {
    using G = typename decltype(tag)::type;
    return static_cast<double>(static_cast<Compute<G>>(call.in<G>(1)[i]));
  });
}

void run(const Args& args, const Call& call) {
  std::int64_t plane = 1;
  for (const std::int64_t size : args.size) plane *= size;
  const Range range = call.slice.of(args.n * args.positions);
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) {
      std::array<Taps, kSpatial> taps;
      for (int axis = 0; axis < args.axes; axis++) {
        taps[static_cast<std::size_t>(axis)] =
            taps_of(args, coordinate(args, call, i * args.axes + args.axes - 1 - axis),
                    args.size[static_cast<std::size_t>(axis)]);
      }
      for (std::int64_t c = 0; c < args.c; c++) {
        const std::int64_t image = i / args.positions * args.c + c;
        const double sum = plane ? weighted(args, call.in<T>() + image * plane, taps, 0, 0) : 0;
        call.out<T>()[image * args.positions + i % args.positions] = stored<T>(sum);
      }
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Image image, Image::of(context.in(0).shape, false));
  const Shape& grid = context.in(1).shape;
  Step step = make_step<run>(Args{context.in(0).type, context.in(1).type, *mode_of(context.node),
                                  *padding_of(context.node), context.node.attributes.integer("align_corners", 0) != 0,
                                  image.n, image.c, grid.elements(1, grid.rank() - 1), image.axes(), image.spatial},
                             "grid_sample");
  step.max_parts = elementwise_parts(context.out().elements() * 8);
  return step;
}

// ---- AffineGrid -----------------------------------------------------------------------------------------------------

Result<void> infer_affine(InferContext& context) {
  ADZE_TRY(const auto size, context.ints(1));
  const Shape& theta = context.shape(0);
  const auto axes = static_cast<std::int64_t>(size.size()) - 2;
  if ((axes != 2 && axes != 3) || theta != Shape{size[0], axes, axes + 1}) {
    return make_error(Code::invalid_model, "theta ", to_string(theta), " doesn't fit a size of ", size.size(),
                      " entries");
  }
  Shape shape = {size[0]};
  for (std::size_t i = 2; i < size.size(); i++) shape.push_back(size[i]);
  shape.push_back(axes);
  context.set_shape(0, shape);
  return {};
}

Result<Lanes> lanes_of_affine(const InferContext& context) {
  ADZE_TRY(Lanes lanes, lanes_by_row<0>(context));
  ADZE_TRY(auto size, context.ints(1));
  lanes.sizes.push_back({1, single_lane(static_cast<int>(size.size()), 0), std::move(size)});
  return lanes;
}

struct AffineArgs {
  DType type;
  std::int64_t n;
  std::vector<std::int64_t> size;  // outermost first
  bool align;
};

void run_affine(const AffineArgs& args, const Call& call) {
  const std::size_t axes = args.size.size();
  std::int64_t positions = 1;
  for (const std::int64_t size : args.size) positions *= size;
  const Range range = call.slice.of(args.n * positions);
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) {
      std::array<double, kSpatial> at{};  // x first
      std::int64_t rest = i % positions;
      for (std::size_t axis = axes; axis-- > 0; rest /= args.size[axis]) {
        const auto index = static_cast<double>(rest % args.size[axis]), size = static_cast<double>(args.size[axis]);
        at[axes - 1 - axis] = args.align ? (size > 1 ? -1 + 2 * index / (size - 1) : -1) : (2 * index + 1) / size - 1;
      }
      for (std::size_t row = 0; row < axes; row++) {
        const T* theta =
            call.in<T>() + (i / positions * static_cast<std::int64_t>(axes) + static_cast<std::int64_t>(row)) *
                               static_cast<std::int64_t>(axes + 1);
        double sum = static_cast<double>(static_cast<Compute<T>>(theta[axes]));
        for (std::size_t k = 0; k < axes; k++) sum += static_cast<double>(static_cast<Compute<T>>(theta[k])) * at[k];
        call.out<T>()[i * static_cast<std::int64_t>(axes) + static_cast<std::int64_t>(row)] =
            static_cast<T>(static_cast<Compute<T>>(sum));
      }
    }
  });
}

Result<Step> prepare_affine(PrepareContext& context) {
  const Shape& out = context.out().shape;
  Step step = make_step<run_affine>(AffineArgs{context.in(0).type,
                                               out[0],
                                               {out.begin() + 1, out.end() - 1},
                                               context.node.attributes.integer("align_corners", 0) != 0},
                                    "affine_grid");
  step.max_parts = elementwise_parts(out.elements());
  step.unread = 0b10;
  return step;
}

constexpr int kGridSample[] = {16, 20, 22}, kAffineGrid[] = {20};
constexpr AttrSpec kAttributes[] = {
    {"align_corners", AttrKind::integer, false, 0, 1}, {"mode", AttrKind::string}, {"padding_mode", AttrKind::string}};
constexpr TypeMask kTypes[] = {kAnyType, kFloats}, kAffineTypes[] = {kFloats, types(DType::i64)};

constexpr OpDef kOps[] = {{.name = "GridSample",
                           .versions = kGridSample,
                           .attributes = kAttributes,
                           .inputs = {2, 2},
                           .input_types = kTypes,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare,
                           .lanes = lanes_by_row<0, 1>,
                           .note = kImageNote},
                          {.name = "AffineGrid",
                           .versions = kAffineGrid,
                           .attributes = std::span(kAttributes).first(1),
                           .inputs = {2, 2},
                           .input_types = kAffineTypes,
                           .infer = infer_affine,
                           .prepare = prepare_affine,
                           .lanes = lanes_of_affine}};

}  // namespace
extern const std::span<const OpDef> ops_grid_sample;
constinit const std::span<const OpDef> ops_grid_sample{kOps};

}  // namespace adze
