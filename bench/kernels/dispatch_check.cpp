#include "bench/kernels/dispatch_check.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string_view>

#include "bench/kernels/choice.h"
#include "bench/kernels/clock.h"
#include "bench/kernels/family.h"
#include "bench/kernels/verdict.h"

namespace adze::bench {
namespace {

// Wide and narrow, deep and shallow, in and out of the caches; a family takes part with those it knows.
constexpr std::string_view kShapes[] = {
    "square/512",
    "resnet50/fc",
    "mlp_score/fc2-batch64",
    "mlp_score/fc3-batch64",
    "unet256/mask",
    "resnet18/conv1",
    "resnet18/layer1.3x3",
    "resnet18/layer2.down",
    "resnet18/layer4.3x3",
    "mobilenet_v2/stem",
    "mobilenet_v2/block1.depthwise",
    "mobilenet_v2/block2.expand",
    "mobilenet_v2/block2.depthwise-s2",
    "mobilenet_v2/block15.depthwise",
    "mobilenet_v2/block15.project",
    "efficientnet_b0/stage5.depthwise5",
    "efficientnet_b0/stage6.excite",
    "squeezenet1_1/fire4.squeeze",
    "squeezenet1_1/fire8.expand3x3",
    "unet256/down1.second",
    "unet256/up1.first",
};

constexpr int kRounds = 15;
constexpr double kRoundSeconds = 2e-3;  // of each row, or one run
// A way this many times slower is not going to win: portable ones would otherwise take all the time there is.
constexpr double kHopeless = 4;
constexpr int kHopelessRounds = 3;

// The fastest of a round's runs: what disturbs a run only ever adds time.
double round_of(Job& job) {
  double best = std::numeric_limits<double>::infinity();
  for (double spent = 0; spent < kRoundSeconds;) {
    const double begin = seconds_now();
    job.run();
    const double taken = seconds_now() - begin;
    best = std::min(best, taken);
    spent += taken;
  }
  return best;
}

Duel fight(const Choice& choice, const Way& other, Job& chosen_job, Job& other_job) {
  Duel duel{choice.kernel, choice.subject, choice.ways[choice.chosen].name, other.name, {}, {}};
  for (int round = 0, rounds = kRounds; round < rounds; round++) {
    // Which goes first changes: the second finds the other's operands in the caches and not its own.
    if (round % 2 == 0) duel.chosen_seconds.push_back(round_of(chosen_job));
    duel.other_seconds.push_back(round_of(other_job));
    if (round % 2 == 1) duel.chosen_seconds.push_back(round_of(chosen_job));
    if (round == 0 && duel.other_seconds[0] > kHopeless * duel.chosen_seconds[0]) rounds = kHopelessRounds;
  }
  return duel;
}

// A job that ran once and gave the right sums.
std::unique_ptr<Job> sound_job(const Choice& choice, const Way& way) {
  auto job = way.prepare();
  job->run();
  if (job->right()) return job;
  std::fprintf(stderr, "%s/%s/%s: the result is wrong\n", choice.kernel.c_str(), way.name.c_str(),
               choice.subject.c_str());
  return nullptr;
}

// Appends to `duels`; false when a sum was wrong.
bool check_choice(const Choice& choice, std::vector<Duel>& duels) {
  const auto chosen = sound_job(choice, choice.ways[choice.chosen]);
  if (!chosen) return false;
  for (std::size_t i = 0; i < choice.ways.size(); i++) {
    if (i == choice.chosen) continue;
    const Way& way = choice.ways[i];
    const auto other = sound_job(choice, way);
    if (!other) return false;
    Duel duel = fight(choice, way, *chosen, *other);
    // A burst of other work can decide one fight, hardly two.
    if (lost(duel)) duel = fight(choice, way, *chosen, *other);
    std::printf("%s\n", line(duel).c_str());
    std::fflush(stdout);
    duels.push_back(std::move(duel));
  }
  return true;
}

}  // namespace

bool check_dispatch() {
  std::vector<Duel> duels;
  bool sound = true;
  std::printf("%s\n", heading().c_str());
  for (const auto& [name, family] : families()) {
    bool covered = false;
    for (const Subject& subject : family.subjects) {
      if (std::find(std::begin(kShapes), std::end(kShapes), subject.name) == std::end(kShapes)) continue;
      covered = true;
      sound &= check_choice(choice_of_row(family, subject), duels);
    }
    if (!covered) std::fprintf(stderr, "%s: none of its shapes is checked\n", name.c_str());
    sound &= covered;
  }
  for (const Choice& choice : choices_of_algorithm()) sound &= check_choice(choice, duels);
  std::printf("%s\n", summary(duels).c_str());
  return sound && std::none_of(duels.begin(), duels.end(), lost);
}

}  // namespace adze::bench
