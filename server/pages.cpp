// What the control plane shows of the service: metadata, metrics, and the page.
#include "server/control/model_config.h"
#include "server/http/response.h"
#include "server/service.h"

namespace adze::server {
namespace {

std::string ports_json(const std::vector<ServedPort>& ports) {
  std::string out = "[";
  for (const ServedPort& port : ports) {
    out += concat(out.size() > 1 ? "," : "", "{\"name\":", json_string(port.name), ",\"datatype\":\"",
                  oip_name_of(port.type), "\",\"shape\":[");
    for (std::size_t i = 0; i < port.dims.size(); i++) out += concat(i ? "," : "", port.dims[i]);
    out += "]}";
  }
  return out + "]";
}

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

ControlSource::Answer no_such_model() { return {404, error_json("there is no such model")}; }

void counter(std::string& out, std::string_view name, std::string_view help, std::string_view type) {
  out += concat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', type, '\n');
}

}  // namespace

ControlSource Service::control_source() {
  ControlSource source;
  source.metrics = [this] { return metrics_text(); };
  source.page = [this] { return page(); };
  source.ready = [this] { return !draining_.load(); };
  source.server_metadata = [] {
    return ControlSource::Answer{200, "{\"name\":\"adze\",\"version\":\"" ADZE_VERSION
                                      "\",\"extensions\":"
                                      "[\"binary_tensor_data\",\"model_configuration\",\"parameters\"]}"};
  };
  source.models = [this] {
    std::string out = "{\"models\":[";
    for (const auto& model : models_) out += (model == models_.front() ? "" : ",") + json_string(model->name());
    return ControlSource::Answer{200, out + "]}"};
  };
  source.model_metadata = [this](const std::string& name, const std::string& version) {
    const ServedModel* model = find_model(name, version);
    if (!model) return no_such_model();
    return ControlSource::Answer{
        200, concat("{\"name\":", json_string(model->name()), ",\"versions\":[", json_string(model->version()),
                    "],\"platform\":\"onnx\",\"inputs\":", ports_json(model->inputs()),
                    ",\"outputs\":", ports_json(model->outputs()), '}')};
  };
  source.model_ready = [this](const std::string& name, const std::string& version) {
    const ServedModel* model = find_model(name, version);
    if (!model) return no_such_model();
    if (draining_) return ControlSource::Answer{503, error_json("the server is shutting down")};
    return ControlSource::Answer{200, concat("{\"name\":", json_string(model->name()), ",\"ready\":true}")};
  };
  source.model_config = [this](const std::string& name, const std::string& version) {
    const ServedModel* model = find_model(name, version);
    if (!model) return no_such_model();
    return ControlSource::Answer{200, model_config_json(*model, options_.model.max_delay)};
  };
  return source;
}

std::string Service::metrics_text() const {
  const auto load = [](const auto& value) { return value.load(std::memory_order_relaxed); };
  std::string out;
  const auto labels = [](const ServedModel& model) {
    return concat("model=", json_string(model.name()), ",version=", json_string(model.version()));
  };
  counter(out, "adze_requests_total", "Inference requests answered, by status.", "counter");
  for (const auto& model : models_) {
    for (std::size_t i = 0; i < kCountedStatuses.size(); i++) {
      out += concat("adze_requests_total{", labels(*model), ",code=\"", kCountedStatuses[i], "\"} ",
                    load(model->metrics().requests[i]), '\n');
    }
  }
  counter(out, "adze_request_duration_seconds", "From a request's last byte to its answer.", "histogram");
  for (const auto& model : models_)
    model->metrics().latency.write(out, "adze_request_duration_seconds", labels(*model));
  counter(out, "adze_queue_seconds", "From a request's decoding to its batch's completion.", "histogram");
  for (const auto& model : models_) model->metrics().queue_time.write(out, "adze_queue_seconds", labels(*model));
  counter(out, "adze_batch_size", "Rows of each batch that ran.", "histogram");
  for (const auto& model : models_) model->metrics().batch_size.write(out, "adze_batch_size", labels(*model));
  const auto per_model = [&](std::string_view name, std::string_view help, std::string_view type, auto value) {
    counter(out, name, help, type);
    for (const auto& model : models_) out += concat(name, '{', labels(*model), "} ", value(*model), '\n');
  };
  per_model("adze_cancelled_total", "Requests whose client went away.", "counter",
            [&](ServedModel& m) { return load(m.metrics().cancelled); });
  per_model("adze_deadline_exceeded_total", "Requests answered by their deadline.", "counter",
            [&](ServedModel& m) { return load(m.metrics().deadlines); });
  per_model("adze_rejected_total", "Requests refused by a full queue.", "counter",
            [&](ServedModel& m) { return load(m.metrics().rejected); });
  per_model("adze_queue_length", "Requests that wait.", "gauge", [&](ServedModel& m) { return m.queue().waiting(); });
  per_model("adze_arena_bytes", "Arena of the largest batch's plan.", "gauge",
            [&](ServedModel& m) { return m.arena_bytes(); });
  per_model("adze_weight_bytes", "Packed weights.", "gauge", [&](ServedModel& m) { return m.model().weight_bytes(); });
  per_model("nv_inference_request_success", "Requests answered with 200.", "counter",
            [&](ServedModel& m) { return load(m.metrics().requests[0]); });
  per_model("nv_inference_count", "Rows inferred.", "counter", [&](ServedModel& m) { return load(m.metrics().rows); });
  per_model("nv_inference_exec_count", "Batches that ran.", "counter",
            [&](ServedModel& m) { return load(m.metrics().batches); });
  counter(out, "adze_connections", "Open connections.", "gauge");
  out += concat("adze_connections{state=\"open\"} ", load(connections_.open), "\nadze_connections{state=\"inflight\"} ",
                load(connections_.in_flight), '\n');
  counter(out, "adze_connections_accepted_total", "Connections accepted.", "counter");
  out += concat("adze_connections_accepted_total ", load(connections_.accepted), '\n');
  counter(out, "adze_connections_refused_total", "Connections refused for want of room.", "counter");
  out += concat("adze_connections_refused_total ", load(connections_.refused), '\n');
  counter(out, "adze_framing_errors_total", "Requests that were not well-formed HTTP.", "counter");
  out += concat("adze_framing_errors_total ", load(connections_.framing_errors), '\n');
  return out;
}

std::string Service::page() const {
  std::string out =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>adze</title>"
      "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:50rem;padding:0 "
      "1rem}code{background:#8881;padding:.1em .3em}</style>"
      "<h1>adze</h1><ul>";
  for (const auto& model : models_) {
    out += concat("<li><b>", escaped_html(model->name()), "</b>: <a href=\"/v2/models/", escaped_html(model->name()),
                  "\">metadata</a>");
    for (const ServedPort& port : model->inputs()) {
      out += concat(", input <code>", escaped_html(port.name), ' ', oip_name_of(port.type), " [");
      for (std::size_t i = 0; i < port.dims.size(); i++) out += concat(i ? "," : "", port.dims[i]);
      out += "]</code>";
    }
    out += "</li>";
  }
  return out +
         "</ul><p><a href=\"/metrics\">metrics</a>, <a href=\"/v2/health/ready\">readiness</a></p>"
         "<p><code>curl -d '{\"features\": [...]}' http://HOST:PORT/predict</code></p></html>";
}

}  // namespace adze::server
