// The text form of kept choices.
#pragma once

#include <map>
#include <string>

#include "graph/choice.h"
#include "graph/core/result.h"

namespace adze {

using ChoicesByKey = std::map<std::string, Choice>;
using ChoicesByMachine = std::map<std::string, ChoicesByKey>;

// Error bad_input that says what is wrong with the text as a whole. A choice that isn't one of this build's is left
// out.
Result<ChoicesByMachine> parse_choices(const std::string& text);
std::string to_text(const ChoicesByMachine& machines);

}  // namespace adze
