// Steps that only move elements: one strided copy, from an offset of input 0 to an offset of output 0.
#pragma once

#include "graph/op.h"
#include "kernels/layout/strided_copy.h"

namespace adze {

struct CopyArgs {
  StridedCopy shape;
  std::int64_t src_offset = 0, dst_offset = 0;  // elements
  std::size_t element_size = 0;
};

// Runs this slice's planes of the copy.
void run_copy(const CopyArgs& args, const std::byte* src, std::byte* dst, Slice slice);

// The step of an operator that is a single copy of input 0.
Step copy_step(const CopyArgs& args, std::string kernel);

// How many threads a copy of that many elements is worth.
int copy_parts(const StridedCopy& shape);

}  // namespace adze
