// adze operators: what is implemented, from the operators' own definitions.
#include <algorithm>
#include <cstdio>

#include "graph/op.h"
#include "tools/command.h"
#include "tools/exit_code.h"

namespace adze {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(between)) + part;
  return text;
}

// A set of types in the fewest words.
std::string types_text(TypeMask mask) {
  struct Group {
    TypeMask mask;
    std::string_view name;
  };
  static constexpr Group kGroups[] = {{kAnyType, "any"},
                                      {kNumbers, "numbers"},
                                      {kFloats, "floats"},
                                      {kInts, "integers"},
                                      {kSigned, "signed integers"},
                                      {kUnsigned, "unsigned integers"},
                                      {kNarrow, "narrow"},
                                      {kNarrowInts, "narrow integers"},
                                      {kFloat8, "float8"}};
  std::vector<std::string> names;
  for (const Group& group : kGroups) {
    if ((mask & group.mask) != group.mask) continue;
    names.emplace_back(group.name);
    mask &= ~group.mask;
  }
  for (int code = 1; code < 32; code++) {
    const auto type = static_cast<DType>(code);
    if (mask & mask_of(type)) names.emplace_back(name_of(type));
  }
  return joined(names, ", ");
}

// Per input, without repeating what the last one serves for all further ones.
std::string input_types_text(const OpDef& op) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < op.input_types.size() && static_cast<int>(i) < op.inputs.max; i++)
    texts.push_back(types_text(op.input_types[i]));
  while (texts.size() > 1 && texts.back() == texts[texts.size() - 2]) texts.pop_back();
  return texts.empty() ? "-" : joined(texts, "; ");
}

std::string arity_text(Arity arity) {
  if (arity.max == kVariadic) return concat(arity.min, '+');
  return arity.min == arity.max ? std::to_string(arity.min) : concat(arity.min, '-', arity.max);
}

std::string versions_text(const OpDef& op) {
  std::vector<std::string> versions;
  for (const int version : op.versions) versions.push_back(std::to_string(version));
  return joined(versions, ", ");
}

std::string notes_text(const OpDef& op) {
  std::vector<std::string> notes;
  if (op.removed) notes.push_back(concat("until opset ", op.removed - 1));
  const bool holds_graphs =
      std::ranges::any_of(op.attributes, [](const AttrSpec& a) { return a.kind == AttrKind::graph; });
  if (op.run_whole) notes.emplace_back(holds_graphs ? "runs its graphs between two plans" : "runs between two plans");
  if (op.random) notes.emplace_back("random");
  if (!op.note.empty()) notes.emplace_back(op.note);
  return joined(notes, "; ");
}

std::string domain_of(const OpDef& op) { return op.domain.empty() ? "ai.onnx" : std::string(op.domain); }

int execute(bool markdown) {
  std::vector<const OpDef*> ops = all_ops();
  std::ranges::sort(ops, {}, [](const OpDef* op) { return std::pair(op->domain, op->name); });
  std::string_view domain = "none yet";
  for (const OpDef* op : ops) {
    if (op->domain != domain) {
      domain = op->domain;
      const auto count = std::ranges::count(ops, domain, [](const OpDef* each) { return each->domain; });
      std::printf(markdown ? "\n## %s: %td operators\n\n" : "%s: %td operators\n", domain_of(*op).c_str(), count);
      if (markdown)
        std::printf("| operator | versions | inputs | their types | outputs | notes |\n|---|---|---|---|---|---|\n");
    }
    std::printf(markdown ? "| %s | %s | %s | %s | %s | %s |\n" : "  %s | %s | %s | %s | %s | %s\n",
                std::string(op->name).c_str(), versions_text(*op).c_str(), arity_text(op->inputs).c_str(),
                input_types_text(*op).c_str(), arity_text(op->outputs).c_str(), notes_text(*op).c_str());
  }
  return kExitOk;
}

}  // namespace

void add_operators(CLI::App& app, RunVerb& run) {
  auto markdown = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("operators", "List the operators, their versions and types");
  verb->add_flag("--markdown", *markdown, "tables for docs/operators.md");
  verb->callback([&run, markdown] { run = [markdown] { return execute(*markdown); }; });
}

}  // namespace adze
