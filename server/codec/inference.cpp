#include "server/codec/inference.h"

#include <span>

#include "server/http/compression.h"
#include "server/http/response.h"

namespace adze::server {
namespace {

constexpr std::size_t kLongJson = 64 << 10;    // bytes of a request
constexpr std::size_t kLongResult = 32 << 10;  // bytes of tensors that become JSON
// Below it an answer travels in a packet or three: compressing it takes longer than it saves.
constexpr std::size_t kCompressed = 4 << 10;

// Of the tensors that the answer says as binary data, or as JSON.
std::size_t result_bytes(const InferenceHead& head, const InferRequest& request, bool binary) {
  const Job& job = *request.job;
  if (head.route == Route::predict) return binary ? 0 : job.outputs[0].size();
  std::size_t bytes = 0;
  for (const auto& output : request.outputs) {
    if (output.binary == binary) bytes += job.outputs[output.index].size();
  }
  return bytes;
}

}  // namespace

bool is_long_body(const InferenceHead& head, std::size_t bytes) {
  return head.content != Encoding::identity || head.json_bytes.value_or(bytes) > kLongJson;
}

bool is_long_answer(const InferenceHead& head, const InferRequest& request) {
  const std::size_t json = result_bytes(head, request, false);
  return json > kLongResult ||
         (head.accepted != Encoding::identity && json + result_bytes(head, request, true) >= kCompressed);
}

bool is_unacceptable(const InferenceHead& head, const InferRequest& request) {
  return !(request.binary() ? head.accepts_binary : head.accepts_json);
}

Result<InferRequest> decode_inference(const InferenceHead& head, std::string_view bytes,
                                      std::shared_ptr<const void> keep, const ServedModel& model, Decoder& decoder,
                                      std::size_t most) {
  if (head.content != Encoding::identity) {
    ADZE_TRY(std::string plain, inflated(bytes, head.content, {.bytes = most}));
    const auto body = std::make_shared<const std::string>(std::move(plain));
    bytes = *body;
    keep = body;
  }
  if (head.route == Route::predict) {
    InferRequest request;
    ADZE_TRY(request.job, decoder.predict(bytes, model));
    return request;
  }
  ADZE_TRY(InferBody body, InferBody::split(bytes, head.json_bytes));
  body.binary_answer |= !head.accepts_json;
  return decoder.infer(body, model, std::move(keep));
}

Answer write_answer(const InferenceHead& head, const InferRequest& request, const ServedModel& model, bool keep_alive) {
  const auto body = head.route == Route::predict ? encode_predict(*request.job, model) : encode_infer(request, model);
  Answer answer;
  if (!body) {
    answer.status = status_of(body.error().code);
    write_response(answer.bytes, answer.status, kJson, error_json(body.error().message), keep_alive);
    return answer;
  }
  std::size_t length = body->json.size();
  for (const std::string_view tensor : body->tensors) length += tensor.size();
  const bool binary = !body->tensors.empty();
  std::string fields;
  if (binary) fields = concat("Inference-Header-Content-Length: ", body->json.size(), "\r\n");
  const std::string_view type = binary ? kBinary : kJson;
  if (head.accepted != Encoding::identity && length >= kCompressed) {
    std::vector<std::string_view> pieces = {body->json};
    pieces.insert(pieces.end(), body->tensors.begin(), body->tensors.end());
    const std::string compressed = deflated(pieces, head.accepted);
    fields += concat("Content-Encoding: ", name_of(head.accepted), "\r\nVary: Accept-Encoding\r\n");
    write_response(answer.bytes, 200, type, compressed, keep_alive, fields);
    return answer;
  }
  answer.bytes.reserve(length + fields.size() + 256);
  write_head(answer.bytes, 200, type, length, keep_alive, fields);
  answer.bytes += body->json;
  for (const std::string_view tensor : body->tensors) answer.bytes += tensor;
  return answer;
}

}  // namespace adze::server
