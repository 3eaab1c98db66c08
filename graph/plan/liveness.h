// From steps to buffers, and from buffers to offsets: pure functions, so that the arena is known before the first run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/specialised.h"

namespace adze {

// A stretch of memory that holds one value or several that share it (views, results written over an operand, values
// that lie inside another).
struct Buffer {
  std::size_t bytes = 0;
  int first = 0;  // the steps from the one that writes it first
  int last = 0;   // to the one that reads it last, both included
};

constexpr int kNoBuffer = -1;

struct BufferPlan {
  std::vector<Buffer> buffers;
  std::vector<int> buffer_of;          // by ValueId; kNoBuffer for constants and for inputs, which the caller may place
  std::vector<std::size_t> offset_of;  // by ValueId; bytes from the buffer's first
  std::vector<std::int64_t> pitch_of;  // by ValueId; Home::pitch
  std::vector<bool> idle;              // by step; views, and joins whose inputs are all in place
  std::vector<int> input_of;           // by ValueId; the index of the graph input whose bytes the value is, or -1
  std::vector<ValueId> constant_of;    // by ValueId; the constant whose bytes the value is, or kNoValue
};

// steps[i] belongs to g.graph.nodes[i]. Graph outputs live to the end.
BufferPlan assign_buffers(const SpecialisedGraph& g, std::span<const Step> steps);

struct Offsets {
  std::vector<std::size_t> of;  // by buffer, multiples of kBufferAlignment
  std::size_t total = 0;
};

constexpr std::size_t kBufferAlignment = 64;
constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

// Places buffers so that two whose lives overlap never share a byte.
Offsets place_buffers(std::span<const Buffer> buffers);

}  // namespace adze
