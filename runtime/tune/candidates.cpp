#include "runtime/tune/candidates.h"

#include <algorithm>
#include <array>

namespace adze {
namespace {

// The default first, as in all lists here. The portable variants stand in where there is nothing else; they are never
// faster.
std::vector<std::optional<Isa>> isas(Isa cap) {
  std::vector<std::optional<Isa>> list = {std::nullopt};
  for (auto level = static_cast<int>(cap) - 1; level > static_cast<int>(Isa::portable); level--) {
    list.push_back(static_cast<Isa>(level));
  }
  return list;
}

std::vector<Share> shares(const Step& step, int threads) {
  if (!step.honours.share || threads == 1) return {Share::by_shape};
  return {Share::by_shape, Share::rows, Share::panels};
}

std::vector<int> row_blocks(const Step& step) {
  if (!step.honours.row_block) return {kRowBlocks[0]};
  return {std::begin(kRowBlocks), std::end(kRowBlocks)};
}

// One thread, and powers of two up to all.
std::vector<int> parts(const Step& step, int standard, int threads) {
  std::vector<int> list = {0};
  const int most = std::clamp(step.max_parts, 1, threads);
  for (int n = 1; n < most; n *= 2) list.push_back(n);
  list.push_back(most);
  std::erase(list, standard);
  return list;
}

// How threads share depends on how many they are, so that comes first.
using Take = void (*)(Choice& to, const Choice& from);
constexpr std::array<Take, kChoiceMembers> kTake = {
    [](Choice& to, const Choice& from) { to.isa = from.isa; },
    [](Choice& to, const Choice& from) { to.parts = from.parts; },
    [](Choice& to, const Choice& from) { to.order.share = from.order.share; },
    [](Choice& to, const Choice& from) { to.order.row_block = from.order.row_block; }};

}  // namespace

std::vector<Choice> candidates(const Step& standard, int standard_parts, Isa isa, int threads) {
  std::vector<Choice> all;
  for (const auto& level : isas(isa)) {
    for (const int n : parts(standard, standard_parts, threads)) {
      for (const Share share : shares(standard, threads)) {
        for (const int rows : row_blocks(standard)) all.push_back({level, n, {share, rows}});
      }
    }
  }
  return all;
}

std::vector<Choice> neighbours(const Choice& from, const std::vector<Choice>& all, int member) {
  std::vector<Choice> list;
  for (const Choice& other : all) {
    Choice changed = from;
    kTake[static_cast<std::size_t>(member)](changed, other);
    if (changed == other && changed != from) list.push_back(other);
  }
  return list;
}

}  // namespace adze
