#include "server/control/exposition.h"

#include <charconv>
#include <mutex>

#include "server/http/response.h"
#include "server/process_stats.h"

namespace adze::server {
namespace {

std::uint64_t load(const Counter& counter) { return counter.load(std::memory_order_relaxed); }
std::int64_t load(const std::atomic<std::int64_t>& gauge) { return gauge.load(std::memory_order_relaxed); }
std::uint64_t microseconds(const Duration& duration) { return load(duration.nanoseconds) / 1000; }
double seconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

// The share of all processors' time that was used since the last scrape.
double cpu_utilization() {
  static std::mutex mutex;
  static MachineStats last;
  const MachineStats now = machine_stats();
  const std::lock_guard lock(mutex);
  const auto all = static_cast<double>(now.all_ticks - last.all_ticks);
  const auto busy = static_cast<double>(now.busy_ticks - last.busy_ticks);
  last = now;
  return all > 0 ? busy / all : 0;
}

class Exposition {
 public:
  explicit Exposition(const std::vector<ModelPtr>& models) : models_(models) {}

  void head(std::string_view name, std::string_view help, std::string_view type) {
    out_ += concat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', type, '\n');
  }
  void value(std::string_view name, const std::string& labels, auto value) {
    out_ += concat(name, labels.empty() ? "" : "{", labels, labels.empty() ? " " : "} ");
    char text[40];
    out_.append(text, std::to_chars(text, text + sizeof text, value).ptr) += '\n';
  }
  void single(std::string_view name, std::string_view help, std::string_view type, auto number) {
    head(name, help, type);
    value(name, {}, number);
  }
  void per_model(std::string_view name, std::string_view help, std::string_view type, auto number) {
    head(name, help, type);
    for (const ModelPtr& model : models_) value(name, labels(*model), number(*model));
  }
  // With one more label, whose values are `words`.
  void per_word(std::string_view name, std::string_view help, std::string_view label, const auto& words,
                auto counters) {
    head(name, help, "counter");
    for (const ModelPtr& model : models_) {
      for (std::size_t i = 0; i < words.size(); i++)
        value(name, concat(labels(*model), ',', label, "=\"", words[i], '"'), load(counters(model->metrics())[i]));
    }
  }
  void histogram(std::string_view name, std::string_view help, Histogram ModelMetrics::*histogram) {
    head(name, help, "histogram");
    for (const ModelPtr& model : models_) (model->metrics().*histogram).write(out_, name, labels(*model));
  }
  std::string take() { return std::move(out_); }

 private:
  static std::string labels(const ServedModel& model) {
    return concat("model=", json_string(model.name()), ",version=", json_string(model.version()));
  }

  const std::vector<ModelPtr>& models_;
  std::string out_;
};

void write_requests(Exposition& to) {
  to.per_word(
      "adze_requests_total", "Inference requests answered, by status.", "code", kCountedStatuses,
      [](auto& m) -> auto& { return m.requests; });
  to.histogram("adze_request_duration_seconds", "From a request's last byte to its answer.", &ModelMetrics::latency);
  to.histogram("adze_queue_seconds", "From a request's decoding to its batch's begin.", &ModelMetrics::queue_time);
  to.histogram("adze_compute_seconds", "Of each batch, from gathering its inputs to scattering its outputs.",
               &ModelMetrics::compute);
  to.histogram("adze_write_seconds", "From a batch's end to the answer's being handed to its socket.",
               &ModelMetrics::write);
  to.histogram("adze_batch_size", "Rows of each batch that ran.", &ModelMetrics::batch_size);
  to.histogram("adze_queue_depth", "Requests that wait, each time that a batch is done.", &ModelMetrics::queue_depth);
  to.per_word(
      "adze_cancelled_total", "Requests whose client went away, by where they were.", "where", kPlaces,
      [](auto& m) -> auto& { return m.cancelled; });
  to.per_word(
      "adze_deadline_exceeded_total", "Requests answered by their deadline, by where they were.", "where", kPlaces,
      [](auto& m) -> auto& { return m.deadlines; });
  to.per_model("adze_shed_total", "Requests refused for want of room in the queue.", "counter",
               [](ServedModel& m) { return load(m.metrics().shed); });
}

void write_models(Exposition& to) {
  to.per_model("adze_queue_length", "Requests that wait.", "gauge", [](ServedModel& m) { return m.queue().waiting(); });
  to.per_model("adze_arena_bytes", "Arena of the largest batch's plan.", "gauge",
               [](ServedModel& m) { return m.arena_bytes(); });
  to.per_model("adze_weight_bytes", "Packed weights.", "gauge", [](ServedModel& m) { return m.weight_bytes(); });
}

void write_triton(Exposition& to) {
  to.per_model("nv_inference_request_success", "Number of successful inference requests, all batch sizes", "counter",
               [](ServedModel& m) { return load(m.metrics().success.count); });
  to.per_word(
      "nv_inference_request_failure", "Number of failed inference requests, all batch sizes", "reason", kFailures,
      [](auto& m) -> auto& { return m.failures; });
  to.per_model("nv_inference_count", "Number of inferences performed (does not include cached requests)", "counter",
               [](ServedModel& m) { return load(m.metrics().rows); });
  to.per_model("nv_inference_exec_count", "Number of model executions performed (does not include cached requests)",
               "counter", [](ServedModel& m) { return load(m.metrics().batches); });
  to.per_model("nv_inference_request_duration_us",
               "Cumulative inference request duration in microseconds (includes cached requests)", "counter",
               [](ServedModel& m) { return microseconds(m.metrics().success); });
  to.per_model("nv_inference_queue_duration_us",
               "Cumulative inference queuing duration in microseconds (includes cached requests)", "counter",
               [](ServedModel& m) { return microseconds(m.metrics().queue); });
  to.per_model("nv_inference_compute_input_duration_us",
               "Cumulative compute input duration in microseconds (does not include cached requests)", "counter",
               [](ServedModel& m) { return microseconds(m.metrics().compute_input); });
  to.per_model("nv_inference_compute_infer_duration_us",
               "Cumulative compute inference duration in microseconds (does not include cached requests)", "counter",
               [](ServedModel& m) { return microseconds(m.metrics().compute_infer); });
  to.per_model("nv_inference_compute_output_duration_us",
               "Cumulative inference compute output duration in microseconds (does not include cached requests)",
               "counter", [](ServedModel& m) { return microseconds(m.metrics().compute_output); });
  to.per_model("nv_inference_pending_request_count",
               "Instantaneous number of pending requests awaiting execution per-model.", "gauge",
               [](ServedModel& m) { return m.queue().waiting(); });
  to.per_model("nv_model_load_duration_secs", "Model load time in seconds", "gauge",
               [](ServedModel& m) { return seconds(load(m.metrics().load_nanoseconds)); });
}

void write_connections(Exposition& to, const ConnectionMetrics& connections) {
  const std::int64_t open = load(connections.open), reading = load(connections.reading),
                     in_flight = load(connections.in_flight);
  to.head("adze_connections", "Open connections, by what they do.", "gauge");
  to.value("adze_connections", "state=\"idle\"", std::max<std::int64_t>(open - reading - in_flight, 0));
  to.value("adze_connections", "state=\"reading\"", reading);
  to.value("adze_connections", "state=\"inflight\"", in_flight);
  to.single("adze_connections_accepted_total", "Connections accepted.", "counter", load(connections.accepted));
  to.single("adze_connections_refused_total", "Connections refused for want of room.", "counter",
            load(connections.refused));
  to.single("adze_framing_errors_total", "Requests that were not well-formed HTTP.", "counter",
            load(connections.framing_errors));
}

void write_process(Exposition& to) {
  const ProcessStats process = process_stats();
  to.single("process_resident_memory_bytes", "Resident memory.", "gauge", process.resident_bytes);
  to.single("process_virtual_memory_bytes", "Virtual memory.", "gauge", process.virtual_bytes);
  to.single("process_threads", "Threads.", "gauge", process.threads);
  to.single("process_open_fds", "Open file descriptors.", "gauge", process.open_fds);
  to.single("process_max_fds", "The most file descriptors that may be open.", "gauge", process.max_fds);
  to.single("process_cpu_seconds_total", "Processor time used.", "counter", process.cpu_seconds);
  to.single("process_start_time_seconds", "When the process began, since 1970.", "gauge", process.start_seconds);
  const MachineStats machine = machine_stats();
  to.single("nv_cpu_utilization", "CPU utilization rate [0.0 - 1.0]", "gauge", cpu_utilization());
  to.single("nv_cpu_memory_total_bytes", "CPU total memory (RAM), in bytes", "gauge", machine.memory_total);
  to.single("nv_cpu_memory_used_bytes", "CPU used memory (RAM), in bytes", "gauge", machine.memory_used);
}

}  // namespace

std::string exposition(const std::vector<ModelPtr>& models, const ConnectionMetrics& connections) {
  Exposition to(models);
  write_requests(to);
  write_models(to);
  write_triton(to);
  write_connections(to, connections);
  write_process(to);
  to.head("adze_build_info", "What this is.", "gauge");
  to.value("adze_build_info", "version=\"" ADZE_VERSION "\"", 1);
  return to.take();
}

}  // namespace adze::server
