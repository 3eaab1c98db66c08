#include "bench/kernels/verdict.h"

#include <algorithm>
#include <cstdio>

namespace adze::bench {
namespace {

constexpr double kMostLost = 1.05;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::string columns(const char* kernel, const char* subject, const char* chosen, const std::string& chosen_time,
                    const char* other, const std::string& other_time, const std::string& quotient) {
  char text[256];
  std::snprintf(text, sizeof text, "%-16s %-36s %-9s %10s  %-9s %10s %8s", kernel, subject, chosen, chosen_time.c_str(),
                other, other_time.c_str(), quotient.c_str());
  return text;
}

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace

double ratio(const Duel& duel) {
  std::vector<double> ratios(duel.chosen_seconds.size());
  std::transform(duel.chosen_seconds.begin(), duel.chosen_seconds.end(), duel.other_seconds.begin(), ratios.begin(),
                 [](double chosen, double other) { return chosen / other; });
  return median(std::move(ratios));
}

bool lost(const Duel& duel) { return ratio(duel) > kMostLost; }

std::string heading() { return columns("kernel", "shape", "chosen", "us", "other", "us", "ratio"); }

std::string line(const Duel& duel) {
  return columns(duel.kernel.c_str(), duel.subject.c_str(), duel.chosen.c_str(),
                 fixed(1e6 * median(duel.chosen_seconds), 1), duel.other.c_str(),
                 fixed(1e6 * median(duel.other_seconds), 1), fixed(ratio(duel), 3)) +
         (lost(duel) ? "  LOST" : "");
}

std::string summary(std::span<const Duel> duels) {
  const auto losses = std::count_if(duels.begin(), duels.end(), lost);
  return std::to_string(duels.size()) + " pairs, " + std::to_string(losses) + " lost by more than " +
         fixed(100 * (kMostLost - 1), 0) + " %";
}

}  // namespace adze::bench
