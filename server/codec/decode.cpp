#include <simdjson.h>

#include <cmath>

#include "server/codec/codec.h"

namespace adze::server {
namespace {

namespace dom = simdjson::dom;
using simdjson::error_code;

// Deeper than any tensor; a bomb of brackets ends here.
constexpr std::size_t kMaxDepth = 32;

Error bad(const auto&... pieces) { return make_error(Code::bad_input, pieces...); }

template <class T>
bool read_number(const dom::element& value, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    return value.get(out) == error_code::SUCCESS;
  } else if constexpr (std::is_integral_v<T>) {
    std::int64_t wide = 0;
    std::uint64_t unsigned_wide = 0;
    if (value.get(wide) == error_code::SUCCESS) {
      out = static_cast<T>(wide);
      return std::in_range<T>(wide);
    }
    if (value.get(unsigned_wide) != error_code::SUCCESS) return false;
    out = static_cast<T>(unsigned_wide);
    return std::in_range<T>(unsigned_wide);
  } else {
    double wide = 0;
    if (value.get(wide) != error_code::SUCCESS) return false;
    const auto narrow = static_cast<float>(wide);
    out = static_cast<T>(std::is_same_v<T, double> ? wide : static_cast<double>(narrow));
    return std::isfinite(static_cast<double>(static_cast<T>(out)));
  }
}

// Appends the numbers of nested arrays in their order, up to `most` of them.
template <class T>
Result<void> append(const dom::array& array, std::vector<std::byte>& bytes, std::size_t& count, std::size_t most) {
  for (const dom::element item : array) {
    dom::array inner;
    if (item.get(inner) == error_code::SUCCESS) {
      ADZE_CHECK(append<T>(inner, bytes, count, most));
      continue;
    }
    T value{};
    if (!read_number(item, value)) return bad("element ", count, " is not a number of the input's type");
    if (count == most) return bad("there are more than the expected ", most, " numbers");
    std::memcpy(bytes.data() + count * sizeof(T), &value, sizeof value);
    count++;
  }
  return {};
}

Result<std::vector<std::byte>> read_numbers(const dom::array& array, DType type, std::int64_t elements) {
  const auto bytes = byte_size({elements}, size_of(type));
  if (!bytes || *bytes > (std::size_t{256} << 20)) return bad("the tensor is too large");
  std::vector<std::byte> result(*bytes);
  std::size_t count = 0;
  ADZE_CHECK(dispatch(type, [&](auto tag) {
    return append<typename decltype(tag)::type>(array, result, count, static_cast<std::size_t>(elements));
  }));
  if (count != static_cast<std::size_t>(elements)) return bad("expected ", elements, " numbers, got ", count);
  return result;
}

// The shape of one row where every dimension but the batch is fixed.
Result<Shape> fixed_row(const ServedModel& model, const ServedPort& port) {
  Shape shape;
  for (std::size_t i = model.batched() ? 1 : 0; i < port.dims.size(); i++) {
    if (port.dims[i] < 0)
      return bad("input \"", port.name, "\" has no fixed shape; use /v2/models/", model.name(), "/infer");
    shape.push_back(port.dims[i]);
  }
  return shape;
}

Result<Shape> read_shape(const dom::object& input) {
  dom::array dims;
  if (input["shape"].get(dims) != error_code::SUCCESS) return bad("\"shape\" is missing");
  Shape shape;
  for (const dom::element dim : dims) {
    std::int64_t value = 0;
    if (dim.get(value) != error_code::SUCCESS || value < 0) return bad("\"shape\" holds something else than sizes");
    if (shape.rank() == kMaxRank) return bad("\"shape\" has more than ", kMaxRank, " dimensions");
    shape.push_back(value);
  }
  if (!shape.checked_elements()) return bad("\"shape\" is too large");
  return shape;
}

std::string shape_text(const std::vector<std::int64_t>& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); i++) text += (i ? "," : "") + std::to_string(dims[i]);
  return text + "]";
}

// One tensor of an infer request into the job's slot for it.
Result<void> read_tensor(const dom::object& input, const ServedModel& model, Job& job, std::vector<bool>& seen) {
  std::string_view name, datatype;
  if (input["name"].get(name) != error_code::SUCCESS) return bad("an input has no \"name\"");
  std::size_t index = 0;
  while (index < model.inputs().size() && model.inputs()[index].name != name) index++;
  if (index == model.inputs().size()) return bad("the model has no input \"", name, '"');
  if (seen[index]) return bad("input \"", name, "\" appears twice");
  seen[index] = true;
  const ServedPort& port = model.inputs()[index];
  const auto where = [&](Error error) { return std::move(error).with_context(concat("input \"", name, '"')); };
  if (input["datatype"].get(datatype) != error_code::SUCCESS) return where(bad("\"datatype\" is missing"));
  if (datatype != oip_name_of(port.type))
    return where(bad("datatype is ", datatype, ", expected ", oip_name_of(port.type)));
  auto shape = read_shape(input);
  if (!shape) return where(std::move(shape).error());
  bool fits = shape->rank() == static_cast<int>(port.dims.size());
  for (int i = 0; fits && i < shape->rank(); i++) {
    const std::int64_t declared = port.dims[static_cast<std::size_t>(i)];
    fits = declared < 0 || declared == (*shape)[i];
  }
  if (!fits) return where(bad("shape ", to_string(*shape), " doesn't fit ", shape_text(port.dims)));
  dom::array data;
  if (input["data"].get(data) != error_code::SUCCESS) return where(bad("\"data\" is missing or no array"));
  auto bytes = read_numbers(data, port.type, shape->elements());
  if (!bytes) return where(std::move(bytes).error());
  job.inputs[index] = *std::move(bytes);
  Shape row = *shape;
  if (model.batched()) {
    if (row[0] < 1) return where(bad("the batch is empty"));
    job.rows = row[0];
    row = Shape(shape->dims().subspan(1));
  }
  job.row_shapes[index] = row;
  return {};
}

}  // namespace

struct Decoder::State {
  dom::parser parser;

  Result<dom::object> parse(std::string_view body) {
    dom::object root;
    dom::element element;
    if (const auto error = parser.parse(body.data(), body.size()).get(element); error != error_code::SUCCESS) {
      return bad("the body is not valid JSON: ", simdjson::error_message(error));
    }
    if (element.get(root) != error_code::SUCCESS) return bad("the body is no JSON object");
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
  const auto error = root["features"].get(features);
  if (error == error_code::NO_SUCH_FIELD) return bad("\"features\" is missing");
  if (error != error_code::SUCCESS) return bad("\"features\" is no array");
  if (model.inputs().size() != 1)
    return bad("the model has ", model.inputs().size(), " inputs; use /v2/models/", model.name(), "/infer");
  const ServedPort& port = model.inputs()[0];
  ADZE_TRY(const Shape row, fixed_row(model, port));
  auto job = std::make_shared<Job>();
  auto bytes = read_numbers(features, port.type, row.elements());
  if (!bytes) return std::move(bytes).error().with_context("\"features\"");
  job->inputs.push_back(*std::move(bytes));
  job->row_shapes.push_back(row);
  return job;
}

Result<InferRequest> Decoder::infer(std::string_view body, const ServedModel& model) {
  ADZE_TRY(const dom::object root, state_->parse(body));
  InferRequest request;
  request.job = std::make_shared<Job>();
  Job& job = *request.job;
  std::string_view id;
  if (root["id"].get(id) == error_code::SUCCESS) {
    if (id.size() > 1024) return bad("\"id\" is longer than 1024 bytes");
    request.id = id;
    request.has_id = true;
  }
  dom::array inputs, outputs;
  if (root["inputs"].get(inputs) != error_code::SUCCESS) return bad("\"inputs\" is missing or no array");
  job.inputs.resize(model.inputs().size());
  job.row_shapes.resize(model.inputs().size());
  std::vector<bool> seen(model.inputs().size());
  std::int64_t rows = 0;
  for (const dom::element item : inputs) {
    dom::object input;
    if (item.get(input) != error_code::SUCCESS) return bad("\"inputs\" holds something else than objects");
    ADZE_CHECK(read_tensor(input, model, job, seen));
    if (rows && rows != job.rows) return bad("the inputs differ in their batch size");
    rows = job.rows;
  }
  for (std::size_t i = 0; i < seen.size(); i++) {
    if (!seen[i]) return bad("input \"", model.inputs()[i].name, "\" is missing");
  }
  if (root["outputs"].get(outputs) != error_code::SUCCESS) {
    for (std::size_t i = 0; i < model.outputs().size(); i++) request.outputs.push_back(i);
    return request;
  }
  for (const dom::element item : outputs) {
    std::string_view name;
    if (item["name"].get(name) != error_code::SUCCESS) return bad("an output has no \"name\"");
    std::size_t index = 0;
    while (index < model.outputs().size() && model.outputs()[index].name != name) index++;
    if (index == model.outputs().size()) return bad("the model has no output \"", name, '"');
    request.outputs.push_back(index);
  }
  return request;
}

}  // namespace adze::server
