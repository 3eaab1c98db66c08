// Operators that draw random numbers. With a seed a node draws the same numbers at each run, those of ONNX's reference
// evaluator: NumPy's RandomState(seed) in the order of the output's elements. Without one every run's differ.
//
// (ONNX says neither; ONNX Runtime instead goes on from run to run, which no caller could repeat or test.)
#include "graph/random.h"

#include <algorithm>
#include <cmath>

#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr std::int64_t kDrawsBetweenPolls = 1 << 16;

// dst[i] = draw(i) for all elements, one after the other: the order decides which gets which number.
template <class T, class F>
void draw_all(const Call& call, std::int64_t elements, F draw) {
  T* dst = call.out<T>();
  for (std::int64_t i = 0; i < elements; i++) {
    if (i % kDrawsBetweenPolls == 0 && call.cancel.requested()) return;
    dst[i] = static_cast<T>(static_cast<Compute<T>>(draw(i)));
  }
}

DType type_attribute(const Node& node, DType otherwise) {
  return static_cast<DType>(node.attributes.integer("dtype", static_cast<int>(otherwise)));
}

template <TypeMask allowed>
Result<void> check(const Node& node) {
  if (node.attributes.has("dtype") && !(allowed & mask_of(type_attribute(node, DType::undefined)))) {
    return make_error(Code::unsupported, "its \"dtype\" is not supported");
  }
  return check_seed(node);
}

// ---- RandomNormal, RandomUniform and what takes its shape from an input ---------------------------------------------

DType like_type(const Node& node, std::span<const DType> inputs, int) { return type_attribute(node, inputs[0]); }

Result<void> infer_given(InferContext& context) {
  const auto sizes = context.node.attributes.integers("shape");
  if (sizes.size() > kMaxRank) {
    return make_error(Code::unsupported, "rank ", sizes.size(), " is above ", kMaxRank);
  }
  Shape shape;
  for (const std::int64_t size : sizes) shape.push_back(size);
  context.set_shape(0, shape);
  return {};
}

Result<void> infer_like(InferContext& context) {
  if (!is_float(context.outputs()[0].type)) {
    return make_error(Code::invalid_model, "there is no \"dtype\", and the input is no float");
  }
  context.set_shape(0, context.shape(0));
  return {};
}

struct FillArgs {
  std::shared_ptr<Seeds> seeds;
  DType type;
  std::int64_t elements;
  bool normal;
  double factor, offset;
};

// The number is rounded to the result's type before and between the steps of x * factor + offset.
void run_fill(const FillArgs& args, const Call& call) {
  RandomState state(args.seeds->next());
  dispatch_float(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using C = Compute<T>;
    const auto round = [](auto x) { return static_cast<C>(static_cast<T>(static_cast<C>(x))); };
    const C factor = round(args.factor), offset = round(args.offset);
    draw_all<T>(call, args.elements, [&](std::int64_t) {
      const C x = round(args.normal ? state.normal() : state.uniform());
      return round(x * factor) + offset;
    });
  });
}

Result<Step> prepare_fill(PrepareContext& context) {
  const Node& node = context.node;
  const bool normal = node.op->name.starts_with("RandomNormal");
  const float low = node.attributes.real("low", 0), high = node.attributes.real("high", 1);
  const double factor = normal ? node.attributes.real("scale", 1) : static_cast<double>(high) - low;
  const double offset = normal ? node.attributes.real("mean", 0) : low;
  Step step = make_step<run_fill>(
      FillArgs{std::make_shared<Seeds>(node), context.out().type, context.out().elements(), normal, factor, offset},
      normal ? "random_normal" : "random_uniform");
  step.unread = 1;
  return step;
}

// ---- Bernoulli ------------------------------------------------------------------------------------------------------

struct BernoulliArgs {
  std::shared_ptr<Seeds> seeds;
  DType from, to;
  std::int64_t elements;
};

void run_bernoulli(const BernoulliArgs& args, const Call& call) {
  RandomState state(args.seeds->next());
  dispatch_float(args.from, [&](auto from) {
    using P = typename decltype(from)::type;
    dispatch(args.to, [&](auto to) {
      draw_all<typename decltype(to)::type>(call, args.elements, [&](std::int64_t i) {
        const auto p = static_cast<double>(static_cast<Compute<P>>(call.in<P>()[i]));
        if (p >= 0 && p <= 1) return state.binomial(p);
        call.failure.set("a probability is not between 0 and 1");
        return false;
      });
    });
  });
}

Result<void> infer_bernoulli(InferContext& context) {
  context.set_shape(0, context.shape(0));
  return {};
}

Result<Step> prepare_bernoulli(PrepareContext& context) {
  return make_step<run_bernoulli>(BernoulliArgs{std::make_shared<Seeds>(context.node), context.in(0).type,
                                                context.out().type, context.out().elements()},
                                  "bernoulli");
}

// ---- Multinomial ----------------------------------------------------------------------------------------------------

DType index_type(const Node& node, std::span<const DType>, int) { return type_attribute(node, DType::i32); }

Result<void> infer_multinomial(InferContext& context) {
  const Shape& shape = context.shape(0);
  if (shape.rank() != 2 || shape[1] < 1) {
    return make_error(Code::invalid_model, "the log-probabilities ", to_string(shape), " are no matrix with classes");
  }
  context.set_shape(0, {shape[0], context.node.attributes.integer("sample_size", 1)});
  return {};
}

struct MultinomialArgs {
  std::shared_ptr<Seeds> seeds;
  DType from, to;
  std::int64_t classes, rows, samples;
};

// The row's probabilities, which need not add up to 1, added up from class to class; false where they are none.
template <class P>
bool accumulate(const P* logs, double* cumulative, std::int64_t classes) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (std::int64_t k = 0; k < classes; k++) {
    cumulative[k] = static_cast<double>(static_cast<Compute<P>>(logs[k]));
    largest = std::max(largest, cumulative[k]);
  }
  for (std::int64_t k = 0; k < classes; k++) {
    sum += std::exp(cumulative[k] - largest);
    cumulative[k] = sum;
  }
  return sum >= 1;  // the largest gives 1; sums with infinities and NaN are NaN
}

void run_multinomial(const MultinomialArgs& args, const Call& call) {
  RandomState state(args.seeds->next());
  auto* cumulative = reinterpret_cast<double*>(call.scratch);
  dispatch_float(args.from, [&](auto from) {
    using P = typename decltype(from)::type;
    dispatch(args.to, [&](auto to) {
      draw_all<typename decltype(to)::type>(call, args.rows * args.samples, [&](std::int64_t i) -> std::int64_t {
        if (i % args.samples == 0 &&
            !accumulate(call.in<P>() + i / args.samples * args.classes, cumulative, args.classes)) {
          call.failure.set("a row holds no log-probabilities");
        }
        const double at = state.uniform() * cumulative[args.classes - 1];
        const std::int64_t k = std::upper_bound(cumulative, cumulative + args.classes, at) - cumulative;
        return std::min(k, args.classes - 1);  // where rounding made `at` the sum itself
      });
    });
  });
}

Result<Step> prepare_multinomial(PrepareContext& context) {
  const Shape &in = context.in(0).shape, &out = context.out().shape;
  Step step = make_step<run_multinomial>(MultinomialArgs{std::make_shared<Seeds>(context.node), context.in(0).type,
                                                         context.out().type, in[1], in[0], out[1]},
                                         "multinomial");
  step.scratch_bytes = static_cast<std::size_t>(in[1]) * sizeof(double);
  return step;
}

// ---- operators ------------------------------------------------------------------------------------------------------

constexpr int kSince1[] = {1, 22}, kSince7[] = {7, 22}, kSince15[] = {15, 22};
constexpr AttrSpec kType = {"dtype", AttrKind::integer, false, 1, 32}, kSeed = {"seed", AttrKind::real};
constexpr AttrSpec kShape = {"shape", AttrKind::integers, true, 0};
constexpr AttrSpec kMean = {"mean", AttrKind::real}, kScale = {"scale", AttrKind::real};
constexpr AttrSpec kLow = {"low", AttrKind::real}, kHigh = {"high", AttrKind::real};
constexpr AttrSpec kNormal[] = {kShape, kType, kSeed, kMean, kScale}, kNormalLike[] = {kType, kSeed, kMean, kScale};
constexpr AttrSpec kUniform[] = {kShape, kType, kSeed, kLow, kHigh}, kUniformLike[] = {kType, kSeed, kLow, kHigh};
constexpr AttrSpec kBernoulli[] = {kType, kSeed};
constexpr AttrSpec kMultinomial[] = {
    kType, kSeed, {"sample_size", AttrKind::integer, false, 1, std::numeric_limits<std::int32_t>::max()}};
constexpr TypeMask kAny[] = {kAnyType}, kFloat[] = {kFloats};

constexpr OpDef given(std::string_view name, std::span<const AttrSpec> attributes) {
  return {.name = name,
          .versions = kSince1,
          .attributes = attributes,
          .inputs = {0, 0},
          .input_types = {},
          .output_type = [](const Node& node, std::span<const DType>, int) { return type_attribute(node, DType::f32); },
          .check = check<kFloats>,
          .infer = infer_given,
          .prepare = prepare_fill,
          .random = true};
}
constexpr OpDef like(std::string_view name, std::span<const AttrSpec> attributes) {
  return {.name = name,
          .versions = kSince1,
          .attributes = attributes,
          .input_types = kAny,
          .output_type = like_type,
          .check = check<kFloats>,
          .infer = infer_like,
          .prepare = prepare_fill,
          .random = true};
}

constexpr OpDef kOps[] = {given("RandomNormal", kNormal),
                          given("RandomUniform", kUniform),
                          like("RandomNormalLike", kNormalLike),
                          like("RandomUniformLike", kUniformLike),
                          {.name = "Bernoulli",
                           .versions = kSince15,
                           .attributes = kBernoulli,
                           .input_types = kFloat,
                           .output_type = like_type,
                           .check = check<kAnyType>,
                           .infer = infer_bernoulli,
                           .prepare = prepare_bernoulli,
                           .random = true},
                          {.name = "Multinomial",
                           .versions = kSince7,
                           .attributes = kMultinomial,
                           .input_types = kFloat,
                           .output_type = index_type,
                           .check = check<kIndices>,
                           .infer = infer_multinomial,
                           .prepare = prepare_multinomial,
                           .random = true}};

}  // namespace
extern const std::span<const OpDef> ops_random;
constinit const std::span<const OpDef> ops_random{kOps};

}  // namespace adze
