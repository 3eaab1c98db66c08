// Several models served as one: each step reads what the request gives or what steps before it gave, by name.
#pragma once

#include <functional>
#include <string>

#include "server/model/config.h"

namespace adze::server {

// `find` gives the model that a step names, or null. Errors name the step.
Result<Assembly> assemble(const Pipeline& pipeline, const std::function<ModelPtr(const std::string& name)>& find);

}  // namespace adze::server
