#include "tools/feeds.h"

#include <charconv>

#include "graph/core/narrow.h"
#include "graph/onnx/tensor_file.h"
#include "tools/npy.h"

namespace adze {
namespace {

struct Assignment {
  std::string name, value;
};

Result<Assignment> split(const std::string& text, std::string_view option) {
  const std::size_t at = text.rfind('=');
  if (at == text.npos || at == 0 || at + 1 == text.size()) {
    return make_error(Code::bad_input, option, " \"", text, "\" is not of the form NAME=VALUE");
  }
  return Assignment{text.substr(0, at), text.substr(at + 1)};
}

Result<Shape> parse_shape(const std::string& text) {
  Shape shape;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    std::int64_t dim = 0;
    const auto [next, error] = std::from_chars(at, end, dim);
    const bool more = next < end && *next == 'x' && next + 1 < end;
    if (error != std::errc() || dim < 0 || (next < end && !more) || shape.rank() == kMaxRank) {
      return make_error(Code::bad_input, "shape \"", text, "\" is not of the form 1x3x224x224");
    }
    shape.push_back(dim);
    at = next + more;
  }
  return shape;
}

// The name of an input, with a suggestion when it is almost one.
Error no_such_input(const Model& model, const std::string& name) {
  std::string known;
  for (const Port& port : model.inputs()) known += concat(known.empty() ? "" : ", ", '"', model.value_name(port), '"');
  return make_error(Code::bad_input, model.name(), ": has no input \"", name, "\"; its inputs are ", known);
}

const Port* find_input(const Model& model, const std::string& name) {
  for (const Port& port : model.inputs()) {
    if (model.value_name(port) == name) return &port;
  }
  return nullptr;
}

Result<void> fill(Tensor::Writable& made, const std::string& how) {
  if (how == "zeros") return {};
  std::uint64_t seed = 0;
  const std::string prefix = "random:";
  const char* end = how.data() + how.size();
  if (!how.starts_with(prefix) || std::from_chars(how.data() + prefix.size(), end, seed).ptr != end ||
      how.size() == prefix.size()) {
    return make_error(Code::bad_input, "--fill \"", how, "\" is neither zeros nor random:SEED");
  }
  // SplitMix64, so that a seed means the same everywhere.
  const auto next = [&] {
    std::uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  };
  const DType type = made.tensor.type();
  const auto unit = [&] { return static_cast<float>(next() >> 40) * 0x1p-24f; };
  if (is_narrow_float(type)) {
    for (std::byte& code : made.bytes) code = static_cast<std::byte>(encode(type, unit(), {}));
    return {};
  }
  dispatch(carrier_of(type), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = made.as<T>();
    for (std::int64_t i = 0; i < made.tensor.elements(); i++) {
      out[i] = is_float(type) ? static_cast<T>(unit()) : static_cast<T>(unit() * 2);
    }
  });
  return {};
}

Result<void> check_port(const Model& model, const Port& port, const Tensor& tensor) {
  const std::string where = concat(model.name(), ": input \"", model.value_name(port), '"');
  if (tensor.type() != port.type) {
    return make_error(Code::bad_input, where, " takes ", name_of(port.type), ", not ", name_of(tensor.type()));
  }
  if (!port.dims) return {};
  bool fits = static_cast<int>(port.dims->size()) == tensor.shape().rank();
  std::string declared;
  for (std::size_t axis = 0; axis < port.dims->size(); axis++) {
    const Dim& dim = (*port.dims)[axis];
    declared += (axis ? "x" : "") + (dim.size >= 0 ? std::to_string(dim.size) : dim.symbol.empty() ? "?" : dim.symbol);
    const bool batch = axis == 0 && dim.size == 1;  // the plan says whether it can be another
    fits = fits && (dim.size < 0 || batch || dim.size == tensor.shape()[static_cast<int>(axis)]);
  }
  if (fits) return {};
  return make_error(Code::bad_input, where, " has shape ", declared, ", not ", to_string(tensor.shape()));
}

}  // namespace

void add_feed_options(CLI::App& verb, FeedOptions& options) {
  verb.add_option("--input", options.inputs, "NAME=FILE.npy or NAME=FILE.pb, once per input")->allow_extra_args(false);
  verb.add_option("--shape", options.shapes, "NAME=1x3x224x224: shape of an input without a file")
      ->allow_extra_args(false);
  verb.add_option("--fill", options.fill, "content of inputs without a file: zeros or random:SEED");
}

Result<Tensor> read_tensor(const std::string& path) {
  if (path.ends_with(".npy")) return read_npy(path);
  if (!path.ends_with(".pb")) return make_error(Code::bad_input, path, ": is neither .npy nor .pb");
  ADZE_TRY(NamedTensor named, read_tensor_file(path));
  return std::move(named.tensor);
}

Result<std::vector<Tensor>> match_feeds(const Model& model, std::map<std::string, Tensor> tensors) {
  std::vector<Tensor> feeds;
  for (const auto& [name, tensor] : tensors) {
    if (!find_input(model, name)) return no_such_input(model, name);
  }
  for (const Port& port : model.inputs()) {
    const auto found = tensors.find(model.value_name(port));
    if (found == tensors.end()) {
      return make_error(Code::bad_input, model.name(), ": input \"", model.value_name(port), "\" is missing");
    }
    ADZE_CHECK(check_port(model, port, found->second));
    feeds.push_back(found->second);
  }
  return feeds;
}

Result<std::vector<Tensor>> make_feeds(const Model& model, const FeedOptions& options) {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, Shape> shapes;
  for (const std::string& text : options.inputs) {
    ADZE_TRY(const Assignment assignment, split(text, "--input"));
    if (!find_input(model, assignment.name)) return no_such_input(model, assignment.name);
    if (tensors.contains(assignment.name))
      return make_error(Code::bad_input, "--input \"", assignment.name, "\" is given twice");
    ADZE_TRY(tensors[assignment.name], read_tensor(assignment.value));
  }
  for (const std::string& text : options.shapes) {
    ADZE_TRY(const Assignment assignment, split(text, "--shape"));
    if (!find_input(model, assignment.name)) return no_such_input(model, assignment.name);
    if (shapes.contains(assignment.name) || tensors.contains(assignment.name)) {
      return make_error(Code::bad_input, "--shape \"", assignment.name, "\": the input's shape is given already");
    }
    ADZE_TRY(shapes[assignment.name], parse_shape(assignment.value));
  }
  for (std::size_t i = 0; i < model.inputs().size(); i++) {
    const Port& port = model.inputs()[i];
    const std::string& name = model.value_name(port);
    if (tensors.contains(name)) continue;
    Shape shape;
    if (const auto given = shapes.find(name); given != shapes.end()) {
      shape = given->second;
    } else {
      if (!port.dims)
        return make_error(Code::bad_input, model.name(), ": input \"", name, "\" needs --shape or --input");
      for (const Dim& dim : *port.dims) shape.push_back(dim.size >= 0 ? dim.size : 1);
    }
    const auto bytes = byte_size(shape, size_of(port.type));
    if (!bytes || *bytes > model.options().max_memory) {
      return make_error(Code::resource_limit, model.name(), ": input \"", name, "\" of shape ", to_string(shape),
                        " is too large");
    }
    auto made = Tensor::allocate(port.type, shape);
    ADZE_CHECK(fill(made, options.fill));
    tensors[name] = made.tensor;
  }
  return match_feeds(model, std::move(tensors));
}

std::vector<Shape> shapes_of(std::span<const Tensor> tensors) {
  std::vector<Shape> shapes;
  for (const Tensor& tensor : tensors) shapes.push_back(tensor.shape());
  return shapes;
}

}  // namespace adze
