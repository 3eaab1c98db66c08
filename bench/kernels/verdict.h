// Whether the engine chose well, judged on times that were taken in turns.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace adze::bench {

// The way that the engine takes, a table's row or an algorithm, against another on the same shape.
struct Duel {
  std::string kernel, subject, chosen, other;
  std::vector<double> chosen_seconds, other_seconds;  // round by round, equally many, at least one
};

// The median over the rounds of chosen / other: above 1 the other way was faster. A round's two times share what the
// machine was like in it, so their ratio is steadier than either.
double ratio(const Duel& duel);

// By more than the 5 % that layout in memory and neighbours on the machine can make.
bool lost(const Duel& duel);

std::string heading();
std::string line(const Duel& duel);
std::string summary(std::span<const Duel> duels);

}  // namespace adze::bench
