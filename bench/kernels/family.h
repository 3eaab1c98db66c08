// What this program measures: families of kernels, each the rows of one table on a list of shapes. A family is one
// source file with a Registered of its own; nothing else names it, and both the timings and the check of dispatch
// cover it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/core/table.h"

namespace adze::bench {

// One row of a table, with the operands of one shape.
class Job {
 public:
  virtual ~Job() = default;
  virtual void run() = 0;
  // After run(): whether sampled outputs agree with sums in double.
  virtual bool right() const = 0;
};

struct Subject {
  std::string name;   // MODEL/LAYER
  std::string shape;  // for people, like "3x3 s2 64-128 @56x56"
  double flops;       // of the definition, whatever way the kernel takes
  std::function<std::unique_ptr<Job>(std::size_t row)> prepare;
  double done = 0;  // flops that the kernel's products do where an algorithm saves some; 0: all of the definition's
};

struct Family {
  std::string name;       // the kernel's, as `adze bench --profile` prints it
  std::vector<Isa> rows;  // of the table, best first
  std::size_t chosen;     // the row that dispatch takes in this process
  std::vector<Subject> subjects;

  bool runs(std::size_t row) const { return rows[row] <= active_isa(); }
};

template <class Fn>
Family family_of(std::string name, const KernelTable<Fn>& table) {
  Family family{std::move(name), {}, static_cast<std::size_t>(&table.best() - table.variants.data()), {}};
  for (const auto& variant : table.variants) family.rows.push_back(variant.isa);
  return family;
}

// By name. Complete when main starts.
std::map<std::string, Family>& families();

struct Registered {
  explicit Registered(Family family) { families().insert_or_assign(family.name, std::move(family)); }
};

}  // namespace adze::bench
