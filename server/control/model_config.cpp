#include "server/control/model_config.h"

#include "server/http/json_text.h"

namespace adze::server {
namespace {

// Dimensions without the batch, where the model has one: there it is max_batch_size's.
std::string ports(const std::vector<ServedPort>& ports, bool batched, std::string_view more) {
  std::string out = "[";
  for (const ServedPort& port : ports) {
    out += concat(out.size() > 1 ? "," : "", "{\"name\":", json_string(port.name), ",\"data_type\":\"TYPE_",
                  oip_name_of(port.type), "\",\"dims\":[");
    const std::size_t first = batched && !port.dims.empty() ? 1 : 0;
    for (std::size_t i = first; i < port.dims.size(); i++) out += concat(i > first ? "," : "", port.dims[i]);
    out += concat("],\"is_shape_tensor\":false", more, '}');
  }
  return out + "]";
}

}  // namespace

std::string model_config_json(const ServedModel& model, std::chrono::microseconds max_delay) {
  const bool batched = model.batched();
  std::string out = concat(
      "{\"name\":", json_string(model.name()), ",\"platform\":\"onnx\",\"backend\":\"adze\"",
      ",\"version_policy\":{\"latest\":{\"num_versions\":1}},\"max_batch_size\":", batched ? model.max_rows() : 0,
      ",\"input\":", ports(model.inputs(), batched, ",\"format\":\"FORMAT_NONE\",\"optional\":false"),
      ",\"output\":", ports(model.outputs(), batched, ""), ",\"instance_group\":[{\"name\":", json_string(model.name()),
      ",\"kind\":\"KIND_CPU\",\"count\":1}]");
  if (batched) {
    out += concat(
        ",\"dynamic_batching\":{\"preferred_batch_size\":[],\"max_queue_delay_microseconds\":", max_delay.count(), '}');
  }
  return out + ",\"parameters\":{},\"model_transaction_policy\":{\"decoupled\":false}}";
}

}  // namespace adze::server
