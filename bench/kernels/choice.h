// One thing to compute, the ways to compute it, and the one that the engine takes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/kernels/family.h"

namespace adze::bench {

struct Way {
  std::string name;
  std::function<std::unique_ptr<Job>()> prepare;
};

struct Choice {
  std::string kernel, subject;
  std::vector<Way> ways;
  std::size_t chosen = 0;
};

// Among the rows of a family's table that this process may run. Refers to `subject`.
Choice choice_of_row(const Family& family, const Subject& subject);

// Among the algorithms for each layer with a 3x3 kernel and stride 1, as winograd_outputs() chooses by its shape.
std::vector<Choice> choices_of_algorithm();

}  // namespace adze::bench
