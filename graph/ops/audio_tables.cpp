// Tables of signal processing that follow from their parameters: Hann, Hamming and Blackman windows, and the matrix
// from a spectrum to mel bands.
#include <cmath>
#include <numbers>

#include "graph/elementwise.h"

namespace adze {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 30;

DType table_type(const Node& node, std::span<const DType>, int) {
  return static_cast<DType>(node.attributes.integer("output_datatype", 1));
}
Result<void> check(const Node& node) {
  if (mask_of(table_type(node, {}, 0)) & kNumbers) return {};
  return make_error(Code::unsupported, "its \"output_datatype\" is not supported");
}

Result<std::int64_t> size_at(const InferContext& context, int i) {
  ADZE_TRY(const auto values, context.ints(i));
  if (values.size() != 1 || values[0] < 0 || values[0] > kMost) {
    return make_error(Code::invalid_model, "input ", i, " is no size");
  }
  return values[0];
}

// Writes value(i) for each element in the output's type.
struct Table {
  DType type;
  std::vector<double> values;
};
void run(const Table& table, const Call& call) {
  if (call.slice.part != 0) return;
  dispatch(table.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::size_t i = 0; i < table.values.size(); i++) {
      call.out<T>()[i] = static_cast<T>(static_cast<Compute<T>>(table.values[i]));
    }
  });
}

Result<void> infer_window(InferContext& context) {
  ADZE_TRY(const std::int64_t size, size_at(context, 0));
  context.set_shape(0, {size});
  return {};
}

Result<Step> prepare_window(PrepareContext& context) {
  const std::int64_t size = context.out().elements();
  const auto period = static_cast<double>(context.node.attributes.integer("periodic", 1) ? size : size - 1);
  // a - b cos(x) + c cos(2x)
  const std::string_view name = context.node.op->name;
  const double a = name == "HannWindow" ? 0.5 : name == "HammingWindow" ? 25.0 / 46 : 0.42;
  const double b = name == "HammingWindow" ? 1 - a : 0.5, c = name == "BlackmanWindow" ? 0.08 : 0;
  Table table{context.out().type, {}};
  for (std::int64_t i = 0; i < size; i++) {
    const double x = period > 0 ? 2 * std::numbers::pi * static_cast<double>(i) / period : 0;
    table.values.push_back(size == 1 ? 1 : a - b * std::cos(x) + c * std::cos(2 * x));
  }
  Step step = make_step<run>(std::move(table), "window");
  step.unread = 1;
  return step;
}

// ---- MelWeightMatrix ------------------------------------------------------------------------------------------------

Result<double> edge_at(const InferContext& context, int i) {
  ADZE_TRY(const Tensor* const tensor, context.known(i));
  if (tensor->elements() != 1) return make_error(Code::invalid_model, "input ", i, " must be a single number");
  return dispatch(tensor->type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(static_cast<Compute<T>>(tensor->as<T>()[0]));
  });
}

struct Mel {
  std::int64_t bands, length, rate;
  double low, high;  // hertz
};

Result<Mel> mel_of(const InferContext& context) {
  Mel mel{};
  ADZE_TRY(mel.bands, size_at(context, 0));
  ADZE_TRY(mel.length, size_at(context, 1));
  ADZE_TRY(mel.rate, size_at(context, 2));
  ADZE_TRY(mel.low, edge_at(context, 3));
  ADZE_TRY(mel.high, edge_at(context, 4));
  if (mel.rate < 1 || !(mel.low >= 0) || !(mel.high >= mel.low) || mel.high > 0x1p40 || mel.bands > 65536) {
    return make_error(Code::invalid_model, "the bands' number or edges are out of range");
  }
  return mel;
}

Result<void> infer_mel(InferContext& context) {
  ADZE_TRY(const Mel mel, mel_of(context));
  context.set_shape(0, {mel.length / 2 + 1, mel.bands});
  return {};
}

// Each band is a triangle from the bin of the edge before it over its own to the next one's.
Result<Step> prepare_mel(PrepareContext& context) {
  const InferContext again(context.node, context.inputs());
  ADZE_TRY(const Mel mel, mel_of(again));
  const std::int64_t bins = mel.length / 2 + 1;
  const auto to_mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low = to_mel(mel.low), step = (to_mel(mel.high) - low) / static_cast<double>(mel.bands + 2);
  std::vector<std::int64_t> edges;
  for (std::int64_t i = 0; i < mel.bands + 2; i++) {
    const double hertz = 700 * (std::pow(10.0, (low + static_cast<double>(i) * step) / 2595) - 1);
    edges.push_back(static_cast<std::int64_t>(
        std::floor(static_cast<double>(mel.length + 1) * hertz / static_cast<double>(mel.rate))));
    if (edges.back() > bins) return make_error(Code::invalid_model, "a band ends above half the sample rate");
  }
  Table table{context.out().type, std::vector<double>(static_cast<std::size_t>(bins * mel.bands), 0.0)};
  for (std::int64_t band = 0; band < mel.bands; band++) {
    const auto b = static_cast<std::size_t>(band);
    const std::int64_t left = edges[b], centre = edges[b + 1], right = edges[b + 2];
    const auto set = [&](std::int64_t bin, double value) {
      if (bin < bins) table.values[static_cast<std::size_t>(bin * mel.bands + band)] = value;
    };
    if (left == centre) set(centre, 1);
    for (std::int64_t bin = left; bin <= centre && left < centre; bin++) {
      set(bin, static_cast<double>(bin - left) / static_cast<double>(centre - left));
    }
    for (std::int64_t bin = centre; bin < right; bin++) {
      set(bin, static_cast<double>(right - bin) / static_cast<double>(right - centre));
    }
  }
  Step made = make_step<run>(std::move(table), "mel_weight_matrix");
  made.unread = 0b11111;
  return made;
}

constexpr int kVersions[] = {17};
constexpr AttrSpec kWindowSpecs[] = {{"output_datatype", AttrKind::integer, false, 1, 255},
                                     {"periodic", AttrKind::integer, false, 0, 1}};
constexpr AttrSpec kMelSpecs[] = {{"output_datatype", AttrKind::integer, false, 1, 255}};
constexpr TypeMask kWindowTypes[] = {kIndices}, kMelTypes[] = {kIndices, kIndices, kIndices, kFloats, kFloats};

constexpr OpDef window(std::string_view name) {
  return {.name = name,
          .versions = kVersions,
          .attributes = kWindowSpecs,
          .input_types = kWindowTypes,
          .output_type = table_type,
          .check = check,
          .infer = infer_window,
          .prepare = prepare_window};
}
constexpr OpDef kOps[] = {window("HannWindow"),
                          window("HammingWindow"),
                          window("BlackmanWindow"),
                          {.name = "MelWeightMatrix",
                           .versions = kVersions,
                           .attributes = kMelSpecs,
                           .inputs = {5, 5},
                           .input_types = kMelTypes,
                           .output_type = table_type,
                           .check = check,
                           .infer = infer_mel,
                           .prepare = prepare_mel}};

}  // namespace
extern const std::span<const OpDef> ops_audio_tables;
constinit const std::span<const OpDef> ops_audio_tables{kOps};

}  // namespace adze
