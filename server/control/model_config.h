// A served model's configuration in the form of Triton's model configuration extension, as far as it means something
// here: the sizes and names that its clients read.
#pragma once

#include <string>

#include "server/model/served_model.h"

namespace adze::server {

std::string model_config_json(const ServedModel& model);

}  // namespace adze::server
