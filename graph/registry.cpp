// Every file of graph/ops/ defines ops_<stem>; the build lists the folder, so a new operator is a new file and
// nothing else is edited. A file without its symbol is a link error.
#include <span>

#include "graph/op.h"

namespace adze {

#define ADZE_OPS(stem) extern const std::span<const OpDef> ops_##stem;
#include "op_list.inc"
#undef ADZE_OPS

namespace {

const std::span<const OpDef>* const kFiles[] = {
#define ADZE_OPS(stem) &ops_##stem,
#include "op_list.inc"
#undef ADZE_OPS
    nullptr,  // so that an empty folder compiles
};

std::string_view canonical(std::string_view domain) { return domain == "ai.onnx" ? std::string_view() : domain; }

}  // namespace

const OpDef* find_op(std::string_view domain, std::string_view name) {
  for (const auto* const* file = kFiles; *file; file++) {
    for (const OpDef& op : **file) {
      if (op.name == name && op.domain == canonical(domain)) return &op;
    }
  }
  return nullptr;
}

int version_for(const OpDef& op, int opset) {
  if (op.removed && opset >= op.removed) return 0;
  int version = 0;
  for (const int since : op.versions) {
    if (since <= opset) version = since;
  }
  return version;
}

std::vector<const OpDef*> all_ops() {
  std::vector<const OpDef*> ops;
  for (const auto* const* file = kFiles; *file; file++) {
    for (const OpDef& op : **file) ops.push_back(&op);
  }
  return ops;
}

}  // namespace adze
