#include <charconv>
#include <cmath>

#include "server/codec/codec.h"
#include "server/http/json_text.h"

namespace adze::server {
namespace {

// The shortest text that reads back as the same value.
template <class T>
void append_number(std::string& out, T value) {
  char text[40];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

// False when a value has no JSON form.
bool append_values(std::string& out, DType type, std::span<const std::byte> bytes) {
  bool finite = true;
  dispatch(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* values = reinterpret_cast<const T*>(bytes.data());
    for (std::size_t i = 0; i < bytes.size() / sizeof(T); i++) {
      if (i) out += ',';
      if constexpr (std::is_same_v<T, bool>) {
        out += values[i] ? "true" : "false";
      } else if constexpr (std::is_integral_v<T>) {
        append_number(out, values[i]);
      } else {
        using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
        finite &= std::isfinite(static_cast<Wide>(values[i]));
        append_number(out, static_cast<Wide>(values[i]));
      }
    }
  });
  return finite;
}

// The request can be fixed: by other inputs, or by asking for binary data.
Error not_finite(const ServedPort& port) {
  return make_error(Code::bad_input, "output \"", port.name,
                    "\" holds NaN or infinity, which JSON can't say; binary data can");
}

double value_at(DType type, std::span<const std::byte> bytes, std::size_t i) {
  return dispatch(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(reinterpret_cast<const T*>(bytes.data())[i]);
  });
}

}  // namespace

Result<AnswerBody> encode_predict(const Job& job, const ServedModel& model) {
  const ServedPort& port = model.outputs()[0];
  const std::span<const std::byte> bytes = job.outputs[0];
  const std::size_t size = size_of(port.type), n = bytes.size() / size;
  if (n == 0) return make_error(Code::internal, "the result is empty");
  std::size_t best = 0;
  for (std::size_t i = 1; i < n; i++) {
    if (value_at(port.type, bytes, i) > value_at(port.type, bytes, best)) best = i;
  }
  AnswerBody answer;
  std::string& out = answer.json;
  out = "{\"score\":";
  if (!append_values(out, port.type, bytes.subspan(best * size, size))) return not_finite(port);
  if (n > 1) {
    out += ",\"label\":";
    append_number(out, best);
    out += ",\"scores\":[";
    if (!append_values(out, port.type, bytes)) return not_finite(port);
    out += ']';
  }
  out += '}';
  return answer;
}

Result<AnswerBody> encode_infer(const InferRequest& request, const ServedModel& model) {
  AnswerBody answer;
  std::string& out = answer.json;
  out = "{\"model_name\":";
  append_json_string(out, model.name());
  out += ",\"model_version\":";
  append_json_string(out, model.version());
  if (request.has_id) {
    out += ",\"id\":";
    append_json_string(out, request.id);
  }
  out += ",\"outputs\":[";
  bool first = true;
  for (const auto& [index, binary] : request.outputs) {
    const ServedPort& port = model.outputs()[index];
    const std::span<const std::byte> bytes = request.job->outputs[index];
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    append_json_string(out, port.name);
    out += ",\"datatype\":\"";
    out += oip_name_of(port.type);
    out += "\",\"shape\":[";
    const Shape& shape = request.job->output_shapes[index];
    for (int i = 0; i < shape.rank(); i++) {
      if (i) out += ',';
      append_number(out, shape[i]);
    }
    if (binary) {
      out += "],\"parameters\":{\"binary_data_size\":";
      append_number(out, bytes.size());
      out += "}}";
      answer.tensors.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    } else {
      out += "],\"data\":[";
      if (!append_values(out, port.type, bytes)) return not_finite(port);
      out += "]}";
    }
  }
  out += "]}";
  return answer;
}

}  // namespace adze::server
