#include "server/control/paths.h"

#include <algorithm>

#include "server/http/fields.h"

namespace adze::server {
namespace {

bool is_version(std::string_view part) {
  return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
}

bool matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_item(pattern, '/'), part = take_item(path, '/');
    if (wanted == "{version}" ? !is_version(part) : wanted.starts_with('{') ? part.empty() : wanted != part)
      return false;
  }
  return pattern.empty() && path.empty();
}

void append(std::string& list, std::string_view method) {
  if (is_allowed(list, method)) return;
  if (!list.empty()) list += ", ";
  list += method;
}

}  // namespace

void PathTable::add(std::string_view method, std::string_view path) {
  auto entry = std::ranges::find(entries_, path, &Entry::path);
  if (entry == entries_.end()) entry = entries_.insert(entry, {std::string(path), {}});
  entry->methods.emplace_back(method);
}

std::string PathTable::allowed(std::string_view path) const {
  std::string list;
  // A slash at the end makes no difference.
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  for (const Entry& entry : entries_) {
    if (path != "*" && !matches(entry.path, path)) continue;
    for (const std::string& method : entry.methods) {
      append(list, method);
      if (method == "GET") append(list, "HEAD");
    }
  }
  if (!list.empty()) append(list, "OPTIONS");
  return list;
}

std::vector<std::pair<std::string, std::string>> PathTable::all() const {
  std::vector<std::pair<std::string, std::string>> list;
  for (const Entry& entry : entries_) {
    for (const std::string& method : entry.methods) list.emplace_back(method, entry.path);
  }
  return list;
}

bool is_allowed(std::string_view allowed, std::string_view method) {
  while (!allowed.empty()) {
    if (take_item(allowed, ',') == method) return true;
  }
  return false;
}

std::string path_pattern(std::string_view path) {
  std::string pattern;
  while (!path.empty()) {
    const std::size_t open = std::min(path.find('{'), path.size());
    for (const char c : path.substr(0, open)) pattern += c == '.' ? std::string("\\.") : std::string(1, c);
    path.remove_prefix(open);
    if (path.empty()) break;
    const std::size_t close = path.find('}');
    pattern += path.substr(0, close + 1) == "{version}" ? "([0-9]+)" : "([^/]+)";
    path.remove_prefix(close + 1);
  }
  return pattern.ends_with('/') ? pattern : pattern + "/?";
}

}  // namespace adze::server
