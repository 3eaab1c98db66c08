// What a repository folder holds: NAME/VERSION/model.onnx, NAME.onnx, and NAME/config.json.
//
// Names and numbers are checked, links that lead out of the folder and everything but regular files are refused. What
// concerns one model is that model's problem; the others are found all the same.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "graph/core/result.h"

namespace adze::server {

struct FoundVersion {
  std::string path;
  std::uint64_t print = 0;  // changes whenever a file of the version does
  bool operator==(const FoundVersion&) const = default;
};

struct FoundModel {
  std::string name;
  std::string config;  // the text of its config.json, or empty
  std::map<int, FoundVersion> versions;
  std::string problem;  // why nothing of it can be loaded, or empty
  bool operator==(const FoundModel&) const = default;
};

// [A-Za-z0-9._-], at most 128, not starting with a point.
bool valid_model_name(std::string_view name);

Result<std::vector<FoundModel>> scan_repository(const std::string& folder);
// One file under a name of its own, as version 1.
FoundModel found_file(const std::string& name, const std::string& path);

}  // namespace adze::server
