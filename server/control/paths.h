// The server's paths and the methods that each takes, written as OpenAPI writes them: "/v2/models/{model}/ready".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace adze::server {

class PathTable {
 public:
  // "{version}" stands for digits, another name in braces for anything without a slash.
  void add(std::string_view method, std::string_view path);
  // The methods that the path takes as an Allow field lists them, HEAD with GET, and OPTIONS; empty for an unknown
  // path.
  // "*" takes what any path does.
  std::string allowed(std::string_view path) const;
  // Every method and path that was added.
  std::vector<std::pair<std::string, std::string>> all() const;

 private:
  struct Entry {
    std::string path;
    std::vector<std::string> methods;
  };
  std::vector<Entry> entries_;
};

// Whether the list of an Allow field holds the method.
bool is_allowed(std::string_view allowed, std::string_view method);

// The path as a regular expression with a group for each part in braces.
std::string path_pattern(std::string_view path);

}  // namespace adze::server
