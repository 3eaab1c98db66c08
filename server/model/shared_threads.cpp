#include "server/model/shared_threads.h"

namespace adze::server {

SharedThreads::Turn SharedThreads::take(bool all) {
  std::unique_lock lock(mutex_);
  const int need = all ? threads_ : 1;
  if (waiting_.empty() && free_ >= need) {
    free_ -= need;
    return {*this, need};
  }
  const auto waiter = waiting_.insert(waiting_.end(), {need});
  const auto granted = [&] { return waiter->granted; };
  if (all && threads_ > 1) {
    wake_.wait(lock, granted);
  } else if (!wake_.wait_for(lock, kPatience, granted)) {
    waiting_.erase(waiter);
    grant();
    return {*this, 0};
  }
  waiting_.erase(waiter);
  return {*this, need};
}

// In the order of arrival: a run on all threads isn't overtaken for ever by those on one.
void SharedThreads::grant() {
  bool any = false;
  for (Waiter& waiter : waiting_) {
    if (waiter.granted) continue;
    if (waiter.need > free_) break;
    free_ -= waiter.need;
    waiter.granted = any = true;
  }
  if (any) wake_.notify_all();
}

void SharedThreads::give_back(int held) {
  const std::lock_guard lock(mutex_);
  free_ += held;
  grant();
}

}  // namespace adze::server
