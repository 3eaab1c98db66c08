#include "graph/onnx/node_attributes.h"

#include <cmath>

#include "graph/onnx/sparse_tensor.h"
#include "graph/onnx/tensor_proto.h"

namespace adze {
namespace {

using Proto = onnx::AttributeProto;

const AttrSpec* spec_of(const OpDef& op, std::string_view name) {
  for (const AttrSpec& spec : op.attributes) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

constexpr std::string_view kKindNames[] = {"an integer", "a float", "a string", "integers",
                                           "floats",     "strings", "a tensor", "a graph"};

// Files of IR version 3 and older writers leave the type out; then the field that is set tells.
Proto::AttributeType type_of(const Proto& proto) {
  if (proto.type() != Proto::UNDEFINED) return proto.type();
  if (proto.has_f()) return Proto::FLOAT;
  if (proto.has_i()) return Proto::INT;
  if (proto.has_s()) return Proto::STRING;
  if (proto.has_t()) return Proto::TENSOR;
  if (proto.has_sparse_tensor()) return Proto::SPARSE_TENSOR;
  if (proto.has_g()) return Proto::GRAPH;
  if (proto.floats_size()) return Proto::FLOATS;
  if (proto.ints_size()) return Proto::INTS;
  if (proto.strings_size()) return Proto::STRINGS;
  return Proto::UNDEFINED;
}

std::optional<AttrKind> kind_of(const Proto& proto) {
  switch (type_of(proto)) {
    case Proto::INT:
      return AttrKind::integer;
    case Proto::FLOAT:
      return AttrKind::real;
    case Proto::STRING:
      return AttrKind::string;
    case Proto::INTS:
      return AttrKind::integers;
    case Proto::FLOATS:
      return AttrKind::reals;
    case Proto::STRINGS:
      return AttrKind::strings;
    case Proto::TENSOR:
    case Proto::SPARSE_TENSOR:
      return AttrKind::tensor;
    case Proto::GRAPH:
      return AttrKind::graph;
    default:
      return std::nullopt;
  }
}

// Version 1 of LpPool and GlobalLpPool wrote their integer p as a float. A fraction stays one, and is refused.
void make_whole(Proto& proto, const AttrSpec& spec) {
  constexpr float kMost = 0x1p31f;
  if (spec.kind != AttrKind::integer || kind_of(proto) != AttrKind::real) return;
  if (!(std::fabs(proto.f()) < kMost) || proto.f() != std::trunc(proto.f())) return;
  proto.set_i(static_cast<std::int64_t>(proto.f()));
  proto.set_type(Proto::INT);
}

Result<void> check_range(const AttrSpec& spec, std::int64_t value) {
  if (value >= spec.min && value <= spec.max) return {};
  if (spec.max == std::numeric_limits<std::int64_t>::max()) {
    return make_error(Code::invalid_model, "is ", value, ", below the least allowed ", spec.min);
  }
  return make_error(Code::invalid_model, "is ", value, ", outside [", spec.min, ", ", spec.max, ']');
}

Result<Attribute> convert(Proto& proto, const AttrSpec& spec, const OpDef& op, FileContext& file) {
  switch (spec.kind) {
    case AttrKind::integer:
      ADZE_CHECK(check_range(spec, proto.i()));
      return Attribute(std::int64_t{proto.i()});
    case AttrKind::real:
      return Attribute(proto.f());
    case AttrKind::string:
      return Attribute(proto.s());
    case AttrKind::integers: {
      std::vector<std::int64_t> values(proto.ints().begin(), proto.ints().end());
      for (const std::int64_t value : values) ADZE_CHECK(check_range(spec, value));
      return Attribute(std::move(values));
    }
    case AttrKind::reals:
      return Attribute(std::vector<float>(proto.floats().begin(), proto.floats().end()));
    case AttrKind::strings:
      return Attribute(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
    case AttrKind::tensor: {
      if (type_of(proto) == Proto::SPARSE_TENSOR) {
        ADZE_TRY(Tensor tensor, to_dense(*proto.mutable_sparse_tensor(), file.tensors, file.dense_budget));
        return Attribute(std::move(tensor));
      }
      // Constant hands its tensor on; who else has one reads it, and not where a failure could be told.
      ADZE_TRY(Tensor tensor, op.name == "Constant" ? to_tensor(*proto.mutable_t(), file.tensors)
                                                    : to_resident_tensor(*proto.mutable_t(), file.tensors));
      return Attribute(std::move(tensor));
    }
    case AttrKind::graph:
      break;  // built later, when the names around it are known
  }
  return Attribute(std::shared_ptr<const Graph>());
}

}  // namespace

Result<void> read_attributes(onnx::NodeProto& proto, Node& node, FileContext& file) {
  for (Proto& attribute : *proto.mutable_attribute()) {
    const std::string& name = attribute.name();
    const auto context = [&](Error error) { return std::move(error).with_context(concat("attribute \"", name, '"')); };
    // Hint of version 1 operators for engines that reused buffers by it; it has no meaning for the result.
    if (name == "consumed_inputs") continue;
    if (attribute.has_ref_attr_name() && !attribute.ref_attr_name().empty()) {
      return context(make_error(Code::invalid_model, "refers to a function's attribute outside a function"));
    }
    const AttrSpec* spec = spec_of(*node.op, name);
    if (!spec) return context(make_error(Code::unsupported, "is not known"));
    make_whole(attribute, *spec);
    const auto kind = kind_of(attribute);
    if (!kind) return context(make_error(Code::unsupported, "has a type that is not supported"));
    if (*kind != spec->kind) {
      return context(make_error(Code::invalid_model, "is ", kKindNames[static_cast<int>(*kind)], ", not ",
                                kKindNames[static_cast<int>(spec->kind)]));
    }
    if (node.attributes.has(name)) return context(make_error(Code::invalid_model, "appears twice"));
    auto value = convert(attribute, *spec, *node.op, file);
    if (!value) return context(std::move(value).error());
    node.attributes.set(name, *std::move(value));
  }
  for (const AttrSpec& spec : node.op->attributes) {
    if (spec.required && !node.attributes.has(spec.name)) {
      return make_error(Code::invalid_model, "attribute \"", spec.name, "\" is missing");
    }
  }
  return {};
}

}  // namespace adze
