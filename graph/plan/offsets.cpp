#include <algorithm>
#include <numeric>

#include "graph/plan/liveness.h"

namespace adze {
// Largest first, each at the lowest gap that holds it between the buffers already placed that are alive with it
// (greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference").
Offsets place_buffers(std::span<const Buffer> buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  Offsets offsets{std::vector<std::size_t>(buffers.size()), 0};
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const Buffer& buffer = buffers[index];
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      if (buffers[other].last < buffer.first || buffer.last < buffers[other].first) continue;
      if (offset + aligned(buffer.bytes) <= offsets.of[other]) break;
      offset = std::max(offset, offsets.of[other] + aligned(buffers[other].bytes));
    }
    offsets.of[index] = offset;
    offsets.total = std::max(offsets.total, offset + aligned(buffer.bytes));
    const auto position =
        std::find_if(placed.begin(), placed.end(), [&](std::size_t other) { return offsets.of[other] > offset; });
    placed.insert(position, index);
  }
  return offsets;
}

}  // namespace adze
