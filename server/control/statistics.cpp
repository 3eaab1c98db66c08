#include "server/control/statistics.h"

#include "server/http/response.h"

namespace adze::server {
namespace {

std::uint64_t load(const Counter& counter) { return counter.load(std::memory_order_relaxed); }

std::string duration(std::string_view name, std::uint64_t count, std::uint64_t ns) {
  return concat('"', name, "\":{\"count\":", count, ",\"ns\":", ns, '}');
}
std::string duration(std::string_view name, const Duration& of) {
  return duration(name, load(of.count), load(of.nanoseconds));
}

// Names are such that nothing in them needs escaping (valid_model_name). Clients read every member unasked, so those of
// caches are there too.
std::string one(ServedModel& model) {
  const ModelMetrics& m = model.metrics();
  std::string out = concat(
      "{\"name\":\"", model.name(), "\",\"version\":\"", model.version(),
      "\",\"last_inference\":", load(m.last_inference_ms), ",\"inference_count\":", load(m.rows),
      ",\"execution_count\":", load(m.batches), ",\"inference_stats\":{", duration("success", m.success), ',',
      duration("fail", m.fail), ',', duration("queue", m.queue), ',', duration("compute_input", m.compute_input), ',',
      duration("compute_infer", m.compute_infer), ',', duration("compute_output", m.compute_output), ',',
      duration("cache_hit", 0, 0), ',', duration("cache_miss", 0, 0), "},\"response_stats\":{},\"batch_stats\":[");
  bool first = true;
  for (const auto& [rows, batch] : m.batch_statistics()) {
    out += concat(first ? "" : ",", "{\"batch_size\":", rows, ',',
                  duration("compute_input", batch.count, batch.took.input), ',',
                  duration("compute_infer", batch.count, batch.took.infer), ',',
                  duration("compute_output", batch.count, batch.took.output), '}');
    first = false;
  }
  return out + concat("],\"memory_usage\":[{\"type\":\"CPU\",\"id\":0,\"byte_size\":",
                      model.arena_bytes() + model.weight_bytes(), "}]}");
}

}  // namespace

std::string statistics_json(const std::vector<ModelPtr>& models) {
  std::string out = "{\"model_stats\":[";
  for (const ModelPtr& model : models) out += (out.back() == '[' ? "" : ",") + one(*model);
  return out + "]}";
}

}  // namespace adze::server
