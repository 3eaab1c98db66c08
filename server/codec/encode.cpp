#include <charconv>
#include <cmath>

#include "server/codec/codec.h"
#include "server/http/response.h"

namespace adze::server {
namespace {

// The shortest text that reads back as the same value.
template <class T>
void append_number(std::string& out, T value) {
  char text[40];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_string(std::string& out, std::string_view text) {
  // error_json's escaping, without its frame: {"error":"..."}.
  const std::string framed = error_json(text);
  constexpr std::size_t kFront = sizeof(R"({"error":)") - 1;
  out.append(framed, kFront, framed.size() - kFront - 1);
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

Error not_finite() { return make_error(Code::internal, "the result holds NaN or infinity, which JSON can't say"); }

double value_at(DType type, std::span<const std::byte> bytes, std::size_t i) {
  return dispatch(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(reinterpret_cast<const T*>(bytes.data())[i]);
  });
}

}  // namespace

Result<std::string> encode_predict(const Job& job, const ServedModel& model) {
  const DType type = model.outputs()[0].type;
  const std::span<const std::byte> bytes = job.outputs[0];
  const std::size_t n = bytes.size() / size_of(type);
  if (n == 0) return make_error(Code::internal, "the result is empty");
  std::size_t best = 0;
  for (std::size_t i = 1; i < n; i++) {
    if (value_at(type, bytes, i) > value_at(type, bytes, best)) best = i;
  }
  std::string out = "{\"score\":";
  if (!append_values(out, type, bytes.subspan(best * size_of(type), size_of(type)))) return not_finite();
  if (n > 1) {
    out += ",\"label\":";
    append_number(out, best);
    out += ",\"scores\":[";
    if (!append_values(out, type, bytes)) return not_finite();
    out += ']';
  }
  return out += '}';
}

Result<std::string> encode_infer(const InferRequest& request, const ServedModel& model) {
  std::string out = "{\"model_name\":";
  append_string(out, model.name());
  out += ",\"model_version\":";
  append_string(out, model.version());
  if (request.has_id) {
    out += ",\"id\":";
    append_string(out, request.id);
  }
  out += ",\"outputs\":[";
  bool first = true;
  for (const std::size_t index : request.outputs) {
    const ServedPort& port = model.outputs()[index];
    out += first ? "{\"name\":" : ",{\"name\":";
    first = false;
    append_string(out, port.name);
    out += ",\"datatype\":\"";
    out += oip_name_of(port.type);
    out += "\",\"shape\":[";
    const Shape& shape = request.job->output_shapes[index];
    for (int i = 0; i < shape.rank(); i++) {
      if (i) out += ',';
      append_number(out, shape[i]);
    }
    out += "],\"data\":[";
    if (!append_values(out, port.type, request.job->outputs[index])) return not_finite();
    out += "]}";
  }
  return out += "]}";
}

}  // namespace adze::server
