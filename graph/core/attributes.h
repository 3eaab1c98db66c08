// A node's attributes, typed. The loader has checked names and kinds against the operator's AttrSpecs, so the getters
// only have to supply defaults.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph/core/tensor.h"

namespace adze {

struct Graph;

// In the order of AttrKind.
using Attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor, std::shared_ptr<const Graph>>;

enum class AttrKind { integer, real, string, integers, reals, strings, tensor, graph };

class Attributes {
 public:
  bool has(std::string_view name) const { return find(name) != nullptr; }
  const Attribute* find(std::string_view name) const;
  void set(std::string name, Attribute value) { entries_.insert_or_assign(std::move(name), std::move(value)); }
  void erase(std::string_view name);

  // REQUIRES of all: an attribute of that name, if there, has that kind.
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const { return get(name, otherwise); }
  float real(std::string_view name, float otherwise) const { return get(name, otherwise); }
  std::string string(std::string_view name, std::string_view otherwise) const {
    return get(name, std::string(otherwise));
  }
  std::vector<std::int64_t> integers(std::string_view name, std::vector<std::int64_t> otherwise = {}) const {
    return get(name, std::move(otherwise));
  }
  std::vector<float> reals(std::string_view name) const { return get(name, std::vector<float>()); }
  const Tensor* tensor(std::string_view name) const;
  // The graph of that name, or null.
  const Graph* graph(std::string_view name) const;
  bool is_graph(std::string_view name) const {
    const Attribute* found = find(name);
    return found && std::holds_alternative<std::shared_ptr<const Graph>>(*found);
  }

  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  template <class T>
  T get(std::string_view name, T otherwise) const {
    const Attribute* found = find(name);
    return found ? std::get<T>(*found) : std::move(otherwise);
  }

  std::map<std::string, Attribute, std::less<>> entries_;
};

}  // namespace adze
