#include "server/batch/deadline_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace adze::server {
namespace {

struct Item {
  int deadline = 0;
  std::size_t heap_place = 0;
};

TEST(DeadlineHeap, TheFirstIsTheEarliestThroughAnyChanges) {
  std::mt19937 random(1);
  std::vector<Item> items(50);
  std::vector<Item*> inside, outside;
  for (Item& item : items) outside.push_back(&item);
  DeadlineHeap<Item> heap;
  for (int step = 0; step < 20000; step++) {
    const int what = static_cast<int>(random() % 4);
    if (what <= 1 && !outside.empty()) {
      std::swap(outside[random() % outside.size()], outside.back());
      Item* item = outside.back();
      outside.pop_back();
      item->deadline = static_cast<int>(random() % 100);
      heap.push(*item);
      inside.push_back(item);
    } else if (!inside.empty()) {
      std::swap(inside[random() % inside.size()], inside.back());
      Item* item = inside.back();
      if (what == 2) {
        heap.remove(*item);
        inside.pop_back();
        outside.push_back(item);
      } else {
        item->deadline = static_cast<int>(random() % 100);
        heap.moved(*item);
      }
    }
    ASSERT_EQ(heap.empty(), inside.empty());
    if (inside.empty()) continue;
    const auto earliest = std::ranges::min(inside, {}, &Item::deadline);
    ASSERT_EQ(heap.first().deadline, earliest->deadline) << "at step " << step;
  }
}

}  // namespace
}  // namespace adze::server
