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

std::string batching(const QueueOptions& queue) {
  std::string sizes;
  for (const std::int64_t size : queue.preferred) sizes += concat(sizes.empty() ? "" : ",", size);
  return concat("{\"preferred_batch_size\":[", sizes, "],\"max_queue_delay_microseconds\":", queue.max_delay.count(),
                ",\"priority_levels\":", queue.priorities, ",\"default_priority_level\":", queue.default_level(),
                ",\"default_queue_policy\":{\"max_queue_size\":", queue.queue_limit, "}}");
}

}  // namespace

std::string model_config_json(const ServedModel& model) {
  const bool batched = model.batched();
  std::string out =
      concat("{\"name\":", json_string(model.name()), ",\"platform\":\"onnx\",\"backend\":\"adze\"",
             ",\"max_batch_size\":", batched ? model.max_rows() : 0,
             ",\"input\":", ports(model.inputs(), batched, ",\"format\":\"FORMAT_NONE\",\"optional\":false"),
             ",\"output\":", ports(model.outputs(), batched, ""),
             ",\"instance_group\":[{\"name\":", json_string(model.name()), ",\"kind\":\"KIND_CPU\",\"count\":1}]");
  if (batched) out += concat(",\"dynamic_batching\":", batching(model.options()));
  return out + ",\"parameters\":{},\"model_transaction_policy\":{\"decoupled\":false}}";
}

}  // namespace adze::server
