// OneHotEncoder of ai.onnx.ml: a new last axis with a 1 at the element's place among the categories. Floats are cast to
// integers first, as the specification says.
#include "graph/elementwise.h"
#include "graph/feature_rows.h"
#include "graph/key_lookup.h"

namespace adze {
namespace {

std::vector<std::int64_t> categories_of(const Node& node) { return node.attributes.integers("cats_int64s"); }

Result<void> check(const Node& node) {
  if (node.attributes.has("cats_strings")) {
    return make_error(Code::unsupported, "attribute \"cats_strings\": text is not supported");
  }
  if (categories_of(node).empty()) return make_error(Code::invalid_model, "cats_int64s is empty");
  return {};
}

Result<void> infer(InferContext& context) {
  Shape shape = context.shape(0);
  if (shape.rank() == kMaxRank) return make_error(Code::unsupported, "the result's rank is above ", kMaxRank);
  shape.push_back(static_cast<std::int64_t>(categories_of(context.node).size()));
  context.set_shape(0, shape);
  return {};
}

struct Args {
  DType type;
  std::int64_t elements, categories;
  bool zeros;  // what is no category may be all zeros
  KeyLookup<std::int64_t> lookup;
};

template <class T>
std::int64_t category(const Args& args, T x) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!(x > -0x1p63 && x < 0x1p63)) return -1;
  }
  return args.lookup(static_cast<std::int64_t>(x));
}

void run(const Args& args, const Call& call) {
  const Range range = call.slice.of(args.elements);
  float* dst = call.out();
  std::fill(dst + range.begin * args.categories, dst + range.end * args.categories, 0.0f);
  dispatch_feature(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = range.begin; i < range.end; i++) {
      const std::int64_t found = category(args, call.in<T>()[i]);
      if (found >= 0) dst[i * args.categories + found] = 1;
      if (found < 0 && !args.zeros) call.failure.set("an element is none of the categories");
    }
  });
}

Result<Step> prepare(PrepareContext& context) {
  const std::vector<std::int64_t> categories = categories_of(context.node);
  const std::int64_t elements = context.in(0).elements(), count = static_cast<std::int64_t>(categories.size());
  Step step = make_step<run>(Args{context.in(0).type, elements, count, context.node.attributes.integer("zeros", 1) != 0,
                                  KeyLookup<std::int64_t>(categories)},
                             "one_hot_encoder");
  step.max_parts = row_parts(elements, count);
  return step;
}

constexpr int kVersions[] = {1};
constexpr TypeMask kTypes[] = {kFeatureTypes};
constexpr AttrSpec kAttributes[] = {
    {"cats_int64s", AttrKind::integers}, {"cats_strings", AttrKind::strings}, {"zeros", AttrKind::integer}};

constexpr OpDef kOps[] = {{.name = "OneHotEncoder",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .input_types = kTypes,
                           .output_type = [](const Node&, std::span<const DType>, int) { return DType::f32; },
                           .check = check,
                           .infer = infer,
                           .prepare = prepare}};

}  // namespace
extern const std::span<const OpDef> ops_one_hot_encoder;
constinit const std::span<const OpDef> ops_one_hot_encoder{kOps};

}  // namespace adze
