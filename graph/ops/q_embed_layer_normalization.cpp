// com.microsoft QEmbedLayerNormalization: rows of 8-bit tables of words, positions and, where given, segments, added up
// and normalised; and how many positions of each row the mask keeps.
//
//   ids and segment ids [n, s]; tables [rows, cols]; gamma and beta [cols]; one scale and zero point each.
#include <cmath>

#include "graph/batch/lanes.h"
#include "graph/elementwise.h"

namespace adze {
namespace {

// The five quantised inputs lie in a row, but for the mask behind them their scales, then their zero points.
enum Input { kIds, kSegmentIds, kWord, kPosition, kSegment, kGamma, kBeta, kMask, kScales, kZeros = kScales + 5 };
constexpr int scale_of(int input) { return kScales + input - kWord; }
constexpr int zero_of(int input) { return kZeros + input - kWord; }

struct Args {
  std::int64_t n, s, cols, words, segments;
  DType type;
  bool has_segments, has_mask, wants_mask;
  double epsilon;
};

Result<Args> args_of(const Node& node, std::span<const TensorInfo* const> inputs) {
  const auto at = [&](int i) -> const TensorInfo* {
    const auto index = static_cast<std::size_t>(i);
    return index < inputs.size() ? inputs[index] : nullptr;
  };
  const auto misfit = [&](int i) {
    return make_error(Code::invalid_model, "input ", i, " of shape ", to_string(at(i)->shape), " doesn't fit");
  };
  Args a{};
  a.has_segments = at(kSegmentIds);
  a.has_mask = at(kMask);
  for (int i = kWord; i <= kBeta; i++) {
    if (i == kSegment && !a.has_segments) continue;
    for (const int needed : {i, scale_of(i), zero_of(i)}) {
      if (!at(needed)) return make_error(Code::invalid_model, "input ", needed, " is required");
    }
    for (const int one : {scale_of(i), zero_of(i)}) {
      if (at(one)->shape.rank() > 1 || at(one)->elements() != 1) return misfit(one);
    }
    for (const int typed : {i, zero_of(i)}) {
      if (at(typed)->type != at(kWord)->type) {
        return make_error(Code::invalid_model, "inputs ", +kWord, " and ", typed, " differ in type");
      }
    }
  }
  const Shape &ids = at(kIds)->shape, &word = at(kWord)->shape;
  if (ids.rank() != 2) return misfit(kIds);
  if (word.rank() != 2) return misfit(kWord);
  a.n = ids[0];
  a.s = ids[1];
  a.words = word[0];
  a.cols = word[1];
  a.type = at(kWord)->type;
  for (const int i : {kSegmentIds, kMask}) {
    if (at(i) && at(i)->shape != ids) return misfit(i);
  }
  const Shape& position = at(kPosition)->shape;
  if (position.rank() != 2 || position[0] < a.s || position[1] != a.cols) return misfit(kPosition);
  if (a.has_segments) {
    const Shape& segment = at(kSegment)->shape;
    if (segment.rank() != 2 || segment[1] != a.cols) return misfit(kSegment);
    a.segments = segment[0];
  }
  for (const int i : {kGamma, kBeta}) {
    if (at(i)->shape != Shape{a.cols}) return misfit(i);
  }
  if (!Shape({a.cols, 8}).checked_elements()) return misfit(kWord);
  a.epsilon = static_cast<double>(node.attributes.real("epsilon", 1e-12f));
  return a;
}

Result<void> infer(InferContext& context) {
  std::vector<const TensorInfo*> inputs;
  for (int i = 0; i < context.input_count(); i++) inputs.push_back(context.has(i) ? &context.in(i) : nullptr);
  ADZE_TRY(const Args a, args_of(context.node, inputs));
  context.set_shape(0, {a.n, a.s, a.cols});
  context.set_shape(1, {a.n});
  return {};
}

// The real value of element i of an input.
template <class T>
class Dequantised {
 public:
  Dequantised(const Call& call, int input)
      : codes_(call.in<T>(input)), scale_(*call.in(scale_of(input))), zero_(*call.in<T>(zero_of(input))) {}
  double operator[](std::int64_t i) const {
    return static_cast<double>(static_cast<float>(codes_[i] - zero_) * scale_);
  }

 private:
  const T* codes_;
  float scale_;
  int zero_;
};

template <class T>
void run_as(const Args& a, const Call& call, Range rows) {
  const Dequantised<T> word(call, kWord), position(call, kPosition), gamma(call, kGamma), beta(call, kBeta);
  auto* sums = reinterpret_cast<double*>(call.scratch);
  for (std::int64_t row = rows.begin; row < rows.end && !call.cancel.requested(); row++) {
    const std::int64_t id = call.in<std::int32_t>(kIds)[row];
    const std::int64_t segment_id = a.has_segments ? call.in<std::int32_t>(kSegmentIds)[row] : 0;
    if (id < 0 || id >= a.words) return call.failure.set("a word id is out of range");
    if (a.has_segments && (segment_id < 0 || segment_id >= a.segments)) {
      return call.failure.set("a segment id is out of range");
    }
    double total = 0, squares = 0;
    for (std::int64_t c = 0; c < a.cols; c++) sums[c] = word[id * a.cols + c] + position[row % a.s * a.cols + c];
    if (a.has_segments) {
      const Dequantised<T> segment(call, kSegment);
      for (std::int64_t c = 0; c < a.cols; c++) sums[c] += segment[segment_id * a.cols + c];
    }
    for (std::int64_t c = 0; c < a.cols; c++) total += sums[c];
    const double mean = total / static_cast<double>(a.cols);
    for (std::int64_t c = 0; c < a.cols; c++) squares += (sums[c] - mean) * (sums[c] - mean);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(a.cols) + a.epsilon);
    float* y = call.out() + row * a.cols;
    for (std::int64_t c = 0; c < a.cols; c++)
      y[c] = static_cast<float>((sums[c] - mean) * inverse * gamma[c] + beta[c]);
  }
}

void count_mask(const Args& a, const Call& call) {
  const Range images = call.slice.of(a.n);
  for (std::int64_t n = images.begin; n < images.end; n++) {
    const std::int32_t* mask = call.in<std::int32_t>(kMask) + n * a.s;
    call.out<std::int32_t>(1)[n] = a.has_mask ? static_cast<std::int32_t>(std::count(mask, mask + a.s, 1)) : 0;
  }
}

void run(const Args& a, const Call& call) {
  if (a.wants_mask) count_mask(a, call);
  const Range rows = call.slice.of(a.n * a.s);
  if (a.type == DType::u8) return run_as<std::uint8_t>(a, call, rows);
  run_as<std::int8_t>(a, call, rows);
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(Args a, args_of(context.node, context.inputs()));
  a.wants_mask = context.wants_output(1);
  Step step = make_step<run>(a, "q_embed_layer_normalization");
  step.scratch_bytes = static_cast<std::size_t>(a.cols) * sizeof(double);
  step.max_parts = static_cast<int>(std::clamp<std::int64_t>(std::min(a.n * a.s, a.n * a.s * a.cols / 1024), 1, 256));
  return step;
}

constexpr int kVersions[] = {1};
constexpr AttrSpec kAttributes[] = {{"epsilon", AttrKind::real}};
constexpr TypeMask kI32 = types(DType::i32), kF32 = types(DType::f32), kCodes = types(DType::u8, DType::i8);
constexpr TypeMask kTypes[] = {kI32, kI32, kCodes, kCodes, kCodes, kCodes, kCodes, kI32,   kF32,
                               kF32, kF32, kF32,   kF32,   kCodes, kCodes, kCodes, kCodes, kCodes};

constexpr OpDef kOps[] = {
    {.name = "QEmbedLayerNormalization",
     .domain = "com.microsoft",
     .versions = kVersions,
     .attributes = kAttributes,
     .inputs = {1, 18},
     .outputs = {1, 2},
     .input_types = kTypes,
     .output_type = [](const Node&, std::span<const DType>, int i) { return i == 0 ? DType::f32 : DType::i32; },
     .infer = infer,
     .prepare = prepare,
     .lanes = lanes_by_row<kIds, kSegmentIds, kMask>}};

}  // namespace
extern const std::span<const OpDef> ops_q_embed_layer_normalization;
constinit const std::span<const OpDef> ops_q_embed_layer_normalization{kOps};

}  // namespace adze
