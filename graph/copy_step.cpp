#include "graph/copy_step.h"

#include <algorithm>

namespace adze {
namespace {

void run(const CopyArgs& args, const Call& call) {
  run_copy(args, call.in<std::byte>(), call.out<std::byte>(), call.slice);
}

}  // namespace

void run_copy(const CopyArgs& args, const std::byte* src, std::byte* dst, Slice slice) {
  const auto size = static_cast<std::int64_t>(args.element_size);
  strided_copy(args.shape, args.element_size, src + args.src_offset * size, dst + args.dst_offset * size,
               slice.of(args.shape.planes()));
}

int copy_parts(const StridedCopy& shape) {
  return static_cast<int>(std::clamp<std::int64_t>(std::min(shape.planes(), shape.elements() / 8192), 1, 256));
}

Step copy_step(const CopyArgs& args, std::string kernel) {
  Step step = make_step<run>(args, std::move(kernel));
  step.max_parts = copy_parts(args.shape);
  return step;
}

}  // namespace adze
