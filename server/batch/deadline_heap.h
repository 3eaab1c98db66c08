// A binary heap of what has a deadline, the earliest first. Everything in it knows its place (T::heap_place), so that
// any of it can leave. Where later arrivals have later deadlines, as they nearly always do, push() moves nothing.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace adze::server {

template <class T>
class DeadlineHeap {
 public:
  bool empty() const { return items_.empty(); }
  // REQUIRES: !empty()
  T& first() const { return *items_.front(); }

  void push(T& item) {
    item.heap_place = items_.size();
    items_.push_back(&item);
    rise(item.heap_place);
  }
  // REQUIRES: the item is in here.
  void remove(T& item) {
    const std::size_t place = item.heap_place;
    T* last = items_.back();
    items_.pop_back();
    if (last == &item) return;
    put(place, last);
    moved(*last);
  }
  // After a change of the item's deadline.
  void moved(T& item) {
    rise(item.heap_place);
    sink(item.heap_place);
  }

 private:
  void put(std::size_t place, T* item) {
    items_[place] = item;
    item->heap_place = place;
  }
  void exchange(std::size_t a, std::size_t b) {
    T* const upper = items_[a];
    put(a, items_[b]);
    put(b, upper);
  }
  bool earlier(std::size_t a, std::size_t b) const { return items_[a]->deadline < items_[b]->deadline; }

  void rise(std::size_t place) {
    for (; place > 0 && earlier(place, (place - 1) / 2); place = (place - 1) / 2) exchange(place, (place - 1) / 2);
  }
  void sink(std::size_t place) {
    while (true) {
      std::size_t least = place;
      for (const std::size_t child : {2 * place + 1, 2 * place + 2}) {
        if (child < items_.size() && earlier(child, least)) least = child;
      }
      if (least == place) return;
      exchange(place, least);
      place = least;
    }
  }

  std::vector<T*> items_;
};

}  // namespace adze::server
