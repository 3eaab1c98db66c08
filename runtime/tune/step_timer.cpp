#include "runtime/tune/step_timer.h"

#include <algorithm>
#include <chrono>

namespace adze {
namespace {

std::int64_t nanoseconds_now() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Reads a byte of every line of this thread's share.
void read_share(std::span<const std::byte> bytes, Slice slice) {
  constexpr std::int64_t kLine = 64;
  const Range share = slice.of(static_cast<std::int64_t>(bytes.size()), kLine);
  const volatile std::byte* at = bytes.data();
  for (std::int64_t i = share.begin; i < share.end; i += kLine) static_cast<void>(at[i]);
}

}  // namespace

Result<std::unique_ptr<StepTimer>> PoolTimer::create(int threads, std::size_t other_bytes) {
  ADZE_TRY(Mapping other, Mapping::create(other_bytes));
  std::fill_n(other.data(), other.bytes(), std::byte{1});  // pages that were never written are all the same one
  return std::unique_ptr<StepTimer>(new PoolTimer(threads, std::move(other)));
}

std::int64_t PoolTimer::time(const Step& step, int parts, const TrialBuffers& buffers) {
  step_ = &step;
  buffers_ = &buffers;
  parts_ = parts;
  pool_.run([](void* timer, int part) { static_cast<PoolTimer*>(timer)->run(part); }, this);
  return nanoseconds_;
}

void PoolTimer::run(int part) {
  const Slice all{part, pool_.threads()};
  read_share({other_.data(), other_.bytes()}, all);
  for (const auto& bytes : buffers_->touched()) read_share(bytes, all);
  const CancelFlag cancel;
  StepFailure failure;
  pool_.barrier();
  const std::int64_t begin = nanoseconds_now();
  if (part < parts_) {
    step_->run(step_->args.get(),
               Call{buffers_->inputs(), buffers_->outputs(), buffers_->scratch(part), {part, parts_}, cancel, failure});
  }
  if (parts_ > 1) pool_.barrier();
  if (part == 0) nanoseconds_ = nanoseconds_now() - begin;
}

}  // namespace adze
