// GET /metrics: everything that is counted, in Prometheus' text format. The nv_* names are Triton's, so that dashboards
// and autoscalers made for it work.
#pragma once

#include <string>
#include <vector>

#include "server/model/served_model.h"

namespace adze::server {

std::string exposition(const std::vector<ModelPtr>& models, const ConnectionMetrics& connections);

}  // namespace adze::server
