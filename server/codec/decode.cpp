#include <simdjson.h>

#include <algorithm>
#include <span>

#include "server/codec/codec.h"
#include "server/codec/numbers.h"
#include "server/codec/parameters.h"

namespace adze::server {
namespace {

// Deeper than any tensor; a bomb of brackets ends here.
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxId = 1024;

// The shape of one row where every dimension but the batch is fixed.
Result<Shape> fixed_row(const ServedModel& model, const ServedPort& port) {
  Shape shape;
  for (std::size_t i = model.batched() ? 1 : 0; i < port.dims.size(); i++) {
    if (port.dims[i] < 0)
      return bad("input \"", port.name, "\" has no fixed shape; send it with one to /v2/models/", model.name(),
                 "/infer");
    shape.push_back(port.dims[i]);
  }
  return shape;
}

Result<const ServedPort*> only_input(const ServedModel& model) {
  if (model.inputs().size() == 1) return &model.inputs()[0];
  return bad("the model has ", model.inputs().size(), " inputs; name them at /v2/models/", model.name(), "/infer");
}

std::optional<std::size_t> find_port(const std::vector<ServedPort>& ports, std::string_view name) {
  const auto found = std::ranges::find(ports, name, &ServedPort::name);
  if (found == ports.end()) return std::nullopt;
  return static_cast<std::size_t>(found - ports.begin());
}

Result<Shape> read_shape(const dom::object& input) {
  dom::array dims;
  ADZE_TRY(const bool given, read_member(input, "shape", dims));
  if (!given) return bad("\"shape\" is missing");
  Shape shape;
  for (const dom::element dim : dims) {
    std::uint64_t value = 0;
    if (!read_whole(dim, value) || !std::in_range<std::int64_t>(value))
      return bad("\"shape\" holds something else than sizes");
    if (shape.rank() == kMaxRank) return bad("\"shape\" has more than ", kMaxRank, " dimensions");
    shape.push_back(static_cast<std::int64_t>(value));
  }
  if (!shape.checked_elements()) return bad("\"shape\" is too large");
  return shape;
}

std::string shape_text(std::span<const std::int64_t> dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); i++) text += (i ? "," : "") + std::to_string(dims[i]);
  return text + "]";
}

bool fits(const Shape& shape, const std::vector<std::int64_t>& declared) {
  if (shape.rank() != static_cast<int>(declared.size())) return false;
  for (int i = 0; i < shape.rank(); i++) {
    const std::int64_t dim = declared[static_cast<std::size_t>(i)];
    if (dim >= 0 && dim != shape[i]) return false;
  }
  return true;
}

// Binary data as an input: a part of the body where that is kept, or a copy.
Result<InputBytes> take_bytes(std::string_view data, DType type, bool kept) {
  const auto bytes = std::as_bytes(std::span(data));
  if (type == DType::boolean) {
    const auto found = std::ranges::find_if(bytes, [](std::byte b) { return b > std::byte{1}; });
    if (found != bytes.end()) return bad("byte ", found - bytes.begin(), " is neither 0 nor 1");
  }
  if (kept) return InputBytes(bytes);
  InputBytes own(bytes.size());
  std::ranges::copy(bytes, own.writable());
  return own;
}

// Reads the inputs of one infer request into its job.
struct InputReader {
  const ServedModel& model;
  const InferBody& body;
  Job& job;
  const bool kept;
  std::string_view tensors = body.tensors;
  std::vector<bool> seen = std::vector<bool>(model.inputs().size());

  Result<void> read(const dom::array& inputs) {
    std::int64_t rows = 0;
    for (const dom::element item : inputs) {
      dom::object input;
      if (item.get(input) != simdjson::SUCCESS) return bad("\"inputs\" holds something else than objects");
      ADZE_CHECK(read_input(input));
      if (rows && rows != job.rows) return bad("the inputs differ in their batch size");
      rows = job.rows;
    }
    for (std::size_t i = 0; i < seen.size(); i++) {
      if (!seen[i]) return bad("input \"", model.inputs()[i].name, "\" is missing");
    }
    if (!tensors.empty()) return bad("the body has ", tensors.size(), " bytes more than its binary inputs");
    return {};
  }

 private:
  Result<void> read_input(const dom::object& input) {
    std::string_view name;
    ADZE_TRY(const bool named, read_member(input, "name", name));
    if (!named) return bad("an input has no \"name\"");
    const auto index = find_port(model.inputs(), name);
    if (!index) return bad("the model has no input \"", name, '"');
    if (seen[*index]) return bad("input \"", name, "\" appears twice");
    seen[*index] = true;
    auto read = read_tensor(input, *index);
    if (!read) return std::move(read).error().with_context(concat("input \"", name, '"'));
    return {};
  }

  Result<void> read_tensor(const dom::object& input, std::size_t index) {
    const ServedPort& port = model.inputs()[index];
    std::string_view datatype;
    ADZE_TRY(const bool typed, read_member(input, "datatype", datatype));
    if (!typed) return bad("\"datatype\" is missing");
    if (datatype != oip_name_of(port.type)) return bad("datatype is ", datatype, ", expected ", oip_name_of(port.type));
    ADZE_TRY(Shape shape, read_shape(input));
    if (!fits(shape, port.dims)) return bad("shape ", shape_text(shape.dims()), " doesn't fit ", shape_text(port.dims));
    ADZE_TRY(const auto binary_size, read_input_parameters(input));
    dom::array data;
    ADZE_TRY(const bool has_data, read_member(input, "data", data));
    if (has_data == binary_size.has_value()) {
      return has_data ? bad("there are both \"data\" and \"binary_data_size\"")
                      : bad("\"data\" is missing, and there is no \"binary_data_size\"");
    }
    if (has_data) {
      ADZE_TRY(job.inputs[index], read_numbers(data, port.type, shape.elements(), body.json.size()));
    } else {
      if (byte_size(shape, size_of(port.type)) != *binary_size) {
        return bad("\"binary_data_size\" is ", *binary_size, ", which is not what ", datatype, " of shape ",
                   shape_text(shape.dims()), " takes");
      }
      if (*binary_size > tensors.size()) return bad("the body ends before its ", *binary_size, " bytes");
      ADZE_TRY(job.inputs[index], take_bytes(tensors.substr(0, *binary_size), port.type, kept));
      tensors.remove_prefix(*binary_size);
    }
    if (model.batched()) {
      if (shape[0] < 1) return bad("the batch is empty");
      job.rows = shape[0];
      shape = Shape(shape.dims().subspan(1));
    }
    job.row_shapes[index] = shape;
    return {};
  }
};

// The outputs that are wanted: all of them where none is named.
Result<void> read_outputs(const dom::object& root, const ServedModel& model, bool binary, InferRequest& request) {
  dom::array outputs;
  ADZE_TRY(const bool given, read_member(root, "outputs", outputs));
  if (given) {
    std::vector<bool> seen(model.outputs().size());
    for (const dom::element item : outputs) {
      dom::object output;
      std::string_view name;
      if (item.get(output) != simdjson::SUCCESS) return bad("\"outputs\" holds something else than objects");
      ADZE_TRY(const bool named, read_member(output, "name", name));
      if (!named) return bad("an output has no \"name\"");
      const auto index = find_port(model.outputs(), name);
      if (!index) return bad("the model has no output \"", name, '"');
      if (seen[*index]) return bad("output \"", name, "\" appears twice");
      seen[*index] = true;
      auto wanted_binary = read_output_parameters(output);
      if (!wanted_binary) return std::move(wanted_binary).error().with_context(concat("output \"", name, '"'));
      request.outputs.push_back({*index, wanted_binary->value_or(binary)});
    }
  }
  if (request.outputs.empty()) {
    for (std::size_t i = 0; i < model.outputs().size(); i++) request.outputs.push_back({i, binary});
  }
  return {};
}

// A body that is the one input's bytes.
Result<void> read_raw(const InferBody& body, const ServedModel& model, bool kept, Job& job) {
  ADZE_TRY(const ServedPort* port, only_input(model));
  ADZE_TRY(job.row_shapes[0], fixed_row(model, *port));
  const auto size = byte_size(job.row_shapes[0], size_of(port->type));
  if (size != body.tensors.size()) {
    return bad("the body has ", body.tensors.size(), " bytes; ", oip_name_of(port->type), " of shape ",
               shape_text(job.row_shapes[0].dims()), " takes ", size.value_or(0));
  }
  ADZE_TRY(job.inputs[0], take_bytes(body.tensors, port->type, kept));
  return {};
}

}  // namespace

Result<InferBody> InferBody::split(std::string_view body, std::optional<std::size_t> json_bytes) {
  if (!json_bytes) return InferBody{.json = body};
  if (*json_bytes == 0) return InferBody{.tensors = body, .raw = true, .binary_answer = true};
  if (*json_bytes > body.size()) {
    return bad("Inference-Header-Content-Length is ", *json_bytes, ", but the body has ", body.size(), " bytes");
  }
  return InferBody{.json = body.substr(0, *json_bytes), .tensors = body.substr(*json_bytes)};
}

bool InferRequest::binary() const { return std::ranges::any_of(outputs, &Output::binary); }

struct Decoder::State {
  dom::parser parser;

  Result<dom::object> parse(std::string_view body) {
    dom::object root;
    dom::element element;
    if (const auto error = parser.parse(body.data(), body.size()).get(element); error != simdjson::SUCCESS) {
      return bad("the body is not valid JSON: ", simdjson::error_message(error));
    }
    if (element.get(root) != simdjson::SUCCESS) return bad("the body is no JSON object");
    return root;
  }
};

Decoder::Decoder() : state_(std::make_unique<State>()) {
  [[maybe_unused]] const auto error = state_->parser.allocate(4096, kMaxDepth);
}
Decoder::~Decoder() = default;

Result<JobPtr> Decoder::predict(std::string_view body, const ServedModel& model) {
  ADZE_TRY(const dom::object root, state_->parse(body));
  dom::array features;
  ADZE_TRY(const bool given, read_member(root, "features", features));
  if (!given) return bad("\"features\" is missing");
  ADZE_TRY(const ServedPort* port, only_input(model));
  ADZE_TRY(const Shape row, fixed_row(model, *port));
  auto job = std::make_shared<Job>();
  auto bytes = read_numbers(features, port->type, row.elements(), body.size());
  if (!bytes) return std::move(bytes).error().with_context("\"features\"");
  job->inputs.push_back(*std::move(bytes));
  job->row_shapes.push_back(row);
  return job;
}

Result<InferRequest> Decoder::infer(const InferBody& body, const ServedModel& model, std::shared_ptr<const void> keep) {
  InferRequest request;
  request.job = std::make_shared<Job>();
  Job& job = *request.job;
  job.inputs.resize(model.inputs().size());
  job.row_shapes.resize(model.inputs().size());
  const bool kept = keep != nullptr;
  job.body = std::move(keep);
  if (body.raw) {
    ADZE_CHECK(read_raw(body, model, kept, job));
    for (std::size_t i = 0; i < model.outputs().size(); i++) request.outputs.push_back({i, true});
    return request;
  }
  ADZE_TRY(const dom::object root, state_->parse(body.json));
  std::string_view id;
  ADZE_TRY(request.has_id, read_member(root, "id", id));
  if (id.size() > kMaxId) return bad("\"id\" is longer than ", kMaxId, " bytes");
  request.id = id;
  ADZE_TRY(const auto binary, read_request_parameters(root, job));
  dom::array inputs;
  ADZE_TRY(const bool given, read_member(root, "inputs", inputs));
  if (!given) return bad("\"inputs\" is missing");
  ADZE_CHECK(InputReader{model, body, job, kept}.read(inputs));
  ADZE_CHECK(read_outputs(root, model, binary.value_or(body.binary_answer), request));
  return request;
}

}  // namespace adze::server
