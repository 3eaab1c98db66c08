// Whether dispatch chose well, judged on times that were taken in turns.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/core/isa.h"

namespace adze::bench {

// The row that dispatch takes against another of the same table on the same shape.
struct Duel {
  std::string_view family, subject;
  Isa chosen, other;
  std::vector<double> chosen_seconds, other_seconds;  // round by round, equally many, at least one
};

// The median over the rounds of chosen / other: above 1 the other row was faster. A round's two times share what the
// machine was like in it, so their ratio is steadier than either.
double ratio(const Duel& duel);

// By more than the 5 % that layout in memory and neighbours on the machine can make.
bool lost(const Duel& duel);

std::string heading();
std::string line(const Duel& duel);
std::string summary(std::span<const Duel> duels);

}  // namespace adze::bench
