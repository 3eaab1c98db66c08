// LabelEncoder: puts a value in place of each key, and a default in place of what is no key. Version 1 maps text only,
// which is refused as text is everywhere; version 4 adds keys and values as tensors.
#include <cstring>

#include "graph/elementwise.h"
#include "graph/feature_rows.h"
#include "graph/key_lookup.h"

namespace adze {
namespace {

// The attribute that `what` ("keys", "values") is in, as a tensor; an error unless there is exactly one.
Result<Tensor> list_of(const Node& node, const std::string& what) {
  std::optional<Tensor> found;
  for (const auto& [name, value] : node.attributes) {
    if (!name.starts_with(what + '_')) continue;
    if (found) return make_error(Code::invalid_model, "has more than one list of ", what);
    if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) found = Tensor::from_ints(*integers);
    if (const auto* reals = std::get_if<std::vector<float>>(&value)) {
      found = Tensor::from<float>({static_cast<std::int64_t>(reals->size())}, *reals);
    }
    if (const auto* tensor = std::get_if<Tensor>(&value)) found = *tensor;
  }
  if (!found || found->elements() == 0) return make_error(Code::invalid_model, "has no ", what);
  return *std::move(found);
}

// One element of the values' type.
Result<Tensor> default_of(const Node& node, DType type) {
  if (const Tensor* given = node.attributes.tensor("default_tensor")) {
    if (given->type() == type && given->elements() == 1) return *given;
    return make_error(Code::invalid_model, "default_tensor must be one ", name_of(type));
  }
  auto made = Tensor::allocate(type, {1});
  dispatch(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      *made.as<T>() = static_cast<T>(node.attributes.real("default_float", -0.0f));
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      *made.as<T>() = static_cast<T>(node.attributes.integer("default_int64", -1));
    }
  });
  return made.tensor;
}

constexpr TypeMask kLabels = types(DType::i64, DType::f32, DType::i32, DType::i16, DType::f64);

Result<void> check(const Node& node) {
  for (const auto& [name, value] : node.attributes) {
    if (std::holds_alternative<std::vector<std::string>>(value)) {
      return make_error(Code::unsupported, "attribute \"", name, "\": text is not supported");
    }
  }
  ADZE_TRY(const Tensor keys, list_of(node, "keys"));
  ADZE_TRY(const Tensor values, list_of(node, "values"));
  ADZE_CHECK(default_of(node, values.type()));
  if (!(kLabels & mask_of(keys.type())) || !(kLabels & mask_of(values.type()))) {
    return make_error(Code::invalid_model, "keys or values have a type that is no label's");
  }
  if (keys.elements() == values.elements()) return {};
  return make_error(Code::invalid_model, keys.elements(), " keys for ", values.elements(), " values");
}

DType value_type(const Node& node, std::span<const DType>, int) {
  const auto values = list_of(node, "values");
  return values ? values->type() : DType::undefined;
}

Result<void> infer(InferContext& context) {
  ADZE_TRY(const Tensor keys, list_of(context.node, "keys"));
  if (keys.type() == context.in(0).type) return infer_same_shape(context);
  return make_error(Code::invalid_model, "input of type ", name_of(context.in(0).type), ", but keys of type ",
                    name_of(keys.type()));
}

template <class Key>
struct Args {
  DType type;
  std::int64_t elements;
  KeyLookup<Key> lookup;
  Tensor values, otherwise;
};

// Keys of integers are looked up as int64, of floats as double.
template <class Key>
void run(const Args<Key>& args, const Call& call) {
  const Range range = call.slice.of(args.elements, 16);
  const std::size_t size = size_of(args.values.type());
  dispatch(args.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_convertible_v<T, Key>) {
      for (std::int64_t i = range.begin; i < range.end; i++) {
        const std::int64_t found = args.lookup(static_cast<Key>(call.in<T>()[i]));
        const std::byte* value =
            found < 0 ? args.otherwise.raw() : args.values.raw() + static_cast<std::size_t>(found) * size;
        std::memcpy(call.out<std::byte>() + static_cast<std::size_t>(i) * size, value, size);
      }
    }
  });
}

template <class Key>
Result<Step> step_for(const PrepareContext& context, const Tensor& keys, Tensor values) {
  std::vector<Key> numbers;
  dispatch(keys.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_convertible_v<T, Key>) {
      for (const T key : keys.as<T>()) numbers.push_back(static_cast<Key>(key));
    }
  });
  ADZE_TRY(Tensor otherwise, default_of(context.node, values.type()));
  Step step = make_step<run<Key>>(Args<Key>{context.in(0).type, context.in(0).elements(), KeyLookup<Key>(numbers),
                                            std::move(values), std::move(otherwise)},
                                  "label_encoder");
  step.max_parts = elementwise_parts(context.in(0).elements());
  return step;
}

Result<Step> prepare(PrepareContext& context) {
  ADZE_TRY(const Tensor keys, list_of(context.node, "keys"));
  ADZE_TRY(Tensor values, list_of(context.node, "values"));
  return is_float(keys.type()) ? step_for<double>(context, keys, std::move(values))
                               : step_for<std::int64_t>(context, keys, std::move(values));
}

constexpr int kVersions[] = {1, 2, 4};
constexpr TypeMask kTypes[] = {kLabels};
constexpr AttrSpec kAttributes[] = {
    {"keys_int64s", AttrKind::integers},    {"keys_floats", AttrKind::reals},      {"keys_strings", AttrKind::strings},
    {"keys_tensor", AttrKind::tensor},      {"values_int64s", AttrKind::integers}, {"values_floats", AttrKind::reals},
    {"values_strings", AttrKind::strings},  {"values_tensor", AttrKind::tensor},   {"default_int64", AttrKind::integer},
    {"default_float", AttrKind::real},      {"default_string", AttrKind::string},  {"default_tensor", AttrKind::tensor},
    {"classes_strings", AttrKind::strings},
};

constexpr OpDef kOps[] = {{.name = "LabelEncoder",
                           .domain = "ai.onnx.ml",
                           .versions = kVersions,
                           .attributes = kAttributes,
                           .input_types = kTypes,
                           .output_type = value_type,
                           .check = check,
                           .infer = infer,
                           .prepare = prepare}};

}  // namespace
extern const std::span<const OpDef> ops_label_encoder;
constinit const std::span<const OpDef> ops_label_encoder{kOps};

}  // namespace adze
