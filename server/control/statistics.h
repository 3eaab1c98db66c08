// GET /v2/models/[M[/versions/V]/]stats: Triton's statistics extension.
#pragma once

#include <string>
#include <vector>

#include "server/model/served_model.h"

namespace adze::server {

std::string statistics_json(const std::vector<ModelPtr>& models);

}  // namespace adze::server
