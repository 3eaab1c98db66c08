#include "server/batch/run_times.h"

#include <algorithm>
#include <bit>

namespace adze::server {
namespace {

constexpr std::int64_t kWindow = 16;

std::size_t bucket_of(std::int64_t rows) {
  return static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(rows, 1) - 1)));
}

}  // namespace

void RunTimes::record(std::int64_t rows, Duration took) {
  Estimate& e = estimates_[std::min(bucket_of(rows), estimates_.size() - 1)];
  if (e.runs == 0) {
    e.mean = e.least_now = e.least_before = took;
    e.deviation = took / 2;
  } else {
    const Duration off = took - e.mean;
    e.mean += off / 8;
    e.deviation += (std::chrono::abs(off) - e.deviation) / 4;
    if (e.runs % kWindow == 0) {
      e.least_before = e.least_now;
      e.least_now = took;
    }
    e.least_now = std::min(e.least_now, took);
  }
  e.runs++;
}

void RunTimes::called_off(std::int64_t rows, Duration after) {
  Estimate& e = estimates_[std::min(bucket_of(rows), estimates_.size() - 1)];
  e.mean = std::max(e.mean, after);
  e.least_now = std::max(e.least_now, after);
  e.least_before = std::max(e.least_before, after);
  e.runs++;
}

const RunTimes::Estimate* RunTimes::known(std::int64_t rows) const {
  const std::size_t at = std::min(bucket_of(rows), estimates_.size() - 1);
  for (std::size_t i = at + 1; i-- > 0;) {
    if (estimates_[i].runs) return &estimates_[i];
  }
  for (std::size_t i = at + 1; i < estimates_.size(); i++) {
    if (estimates_[i].runs) return &estimates_[i];
  }
  return nullptr;
}

RunTimes::Duration RunTimes::least(std::int64_t rows) const {
  const Estimate* e = known(rows);
  return e ? std::min(e->least_now, e->least_before) : Duration{};
}

RunTimes::Duration RunTimes::mean(std::int64_t rows) const {
  const Estimate* e = known(rows);
  return e ? e->mean : Duration{};
}

RunTimes::Duration RunTimes::most(std::int64_t rows) const {
  const Estimate* e = known(rows);
  return e ? e->mean + 2 * e->deviation : Duration{};
}

}  // namespace adze::server
