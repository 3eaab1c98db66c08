// What the control plane shows of the service: metadata, statistics, and the page.
#include "server/control/exposition.h"
#include "server/control/model_config.h"
#include "server/control/statistics.h"
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

}  // namespace

ControlSource Service::control_source() {
  ControlSource source;
  source.metrics = [this] { return exposition(repository_->ready(), connections_); };
  source.page = [this] { return page(); };
  source.unready = [this] {
    return draining_ ? "the server is shutting down" : loaded_ ? "" : "the models are being loaded";
  };
  source.server_metadata = [] {
    return ControlSource::Answer{200, "{\"name\":\"adze\",\"version\":\"" ADZE_VERSION
                                      "\",\"extensions\":"
                                      "[\"binary_tensor_data\",\"model_configuration\",\"model_repository\","
                                      "\"parameters\",\"schedule_policy\",\"statistics\"]}"};
  };
  source.models = [this] {
    std::string out = "{\"models\":[";
    std::string last;
    for (const ModelPtr& model : repository_->ready()) {
      if (model->name() != last) out += (last.empty() ? "" : ",") + json_string(model->name());
      last = model->name();
    }
    return ControlSource::Answer{200, out + "]}"};
  };
  source.model_metadata = [this](const std::string& name, const std::string& version) {
    const ModelPtr model = repository_->find(name, version);
    if (!model) return no_model(name, version);
    std::string versions;
    for (const ModelPtr& ready : repository_->ready()) {
      if (ready->name() == name) versions += concat(versions.empty() ? "" : ",", json_string(ready->version()));
    }
    return ControlSource::Answer{200, concat("{\"name\":", json_string(model->name()), ",\"versions\":[", versions,
                                             "],\"platform\":\"onnx\",\"inputs\":", ports_json(model->inputs()),
                                             ",\"outputs\":", ports_json(model->outputs()), '}')};
  };
  source.statistics = [this](const std::string& name, const std::string& version) {
    if (name.empty()) return ControlSource::Answer{200, statistics_json(repository_->ready())};
    std::vector<ModelPtr> models;
    for (const ModelPtr& model : repository_->ready()) {
      if (model->name() == name && (version.empty() || model->version() == version)) models.push_back(model);
    }
    if (models.empty()) return no_model(name, version);
    return ControlSource::Answer{200, statistics_json(models)};
  };
  source.model_ready = [this](const std::string& name, const std::string& version) {
    const ModelPtr model = repository_->find(name, version);
    if (!model) return no_model(name, version);
    if (draining_) return ControlSource::Answer{503, error_json("the server is shutting down")};
    return ControlSource::Answer{200, concat("{\"name\":", json_string(model->name()), ",\"ready\":true}")};
  };
  source.model_config = [this](const std::string& name, const std::string& version) {
    const ModelPtr model = repository_->find(name, version);
    if (!model) return no_model(name, version);
    return ControlSource::Answer{200, model_config_json(*model)};
  };
  return source;
}

std::string Service::page() const {
  std::string out =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>adze</title>"
      "<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:50rem;padding:0 "
      "1rem}code{background:#8881;padding:.1em .3em}</style>"
      "<h1>adze</h1><ul>";
  for (const ModelPtr& model : repository_->ready()) {
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
