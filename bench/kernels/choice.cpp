#include "bench/kernels/choice.h"

#include "bench/kernels/conv_jobs.h"
#include "bench/kernels/conv_problem.h"
#include "kernels/winograd/winograd.h"

namespace adze::bench {

Choice choice_of_row(const Family& family, const Subject& subject) {
  Choice choice{family.name, subject.name, {}};
  for (std::size_t row = 0; row < family.rows.size(); row++) {
    if (!family.runs(row)) continue;
    if (row == family.chosen) choice.chosen = choice.ways.size();
    choice.ways.push_back({std::string(isa_name(family.rows[row])), [&subject, row] { return subject.prepare(row); }});
  }
  return choice;
}

std::vector<Choice> choices_of_algorithm() {
  constexpr int kDirect = 0;
  std::vector<Choice> choices;
  for (const ConvShape& s : kConvShapes) {
    if (s.groups != 1 || s.kh != 3 || s.stride != 1) continue;
    Choice choice{"conv_3x3", std::string(s.model) + "/" + std::string(s.layer), {}};
    const int taken = winograd_outputs(geometry_of(s), s.oc);
    for (const int outputs : {kDirect, 2, 4}) {
      if (outputs == taken) choice.chosen = choice.ways.size();
      if (outputs == kDirect) {
        choice.ways.push_back({"direct", [&s] { return indirect_conv(s, active_isa()); }});
      } else {
        choice.ways.push_back({"F(" + std::to_string(outputs) + ",3)",
                               [&s, outputs] { return winograd_conv(s, outputs, active_isa()); }});
      }
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

}  // namespace adze::bench
