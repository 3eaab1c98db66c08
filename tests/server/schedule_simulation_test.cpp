// The schedule driven through many thousand random histories on a simulated clock: requests of all kinds arrive, are
// cancelled, run and fail, and every promise is checked at every step. A failure names its seed, which replays it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "server/batch/schedule.h"

namespace adze::server {
namespace {

using namespace std::chrono_literals;
using Time = Schedule::Time;

constexpr int kHistories = 100'000;

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), options_(random_options()), schedule_(options_) {}

  // What went wrong, or nothing.
  std::string run() {
    const int events = 10 + below(40);
    for (int i = 0; i < events && fault_.empty(); i++) {
      step();
      ask();
    }
    schedule_.drain();
    draining_ = true;
    for (int i = 0; i < 10'000 && fault_.empty(); i++) {
      ask();
      if (!running_ && schedule_.waiting().empty()) break;
      advance();
    }
    if (fault_.empty()) check_end();
    return fault_;
  }

 private:
  struct Known {
    JobPtr job;
    std::size_t level;
    std::uint64_t arrival;
    Time arrived;
    int answers = 0;
    bool cancelled = false;
    std::int64_t rows_run = 0;

    bool waits() const { return answers == 0 && !cancelled && rows_run < job->rows; }
  };

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }

  QueueOptions random_options() {
    QueueOptions options;
    options.max_batch = 1 + below(8);
    options.max_delay = std::chrono::microseconds(below(3) * 500);
    options.queue_limit = static_cast<std::size_t>(1 + below(12));
    options.queue_bytes = static_cast<std::size_t>(1 + below(40));
    options.priorities = static_cast<std::size_t>(1 + below(3));
    options.default_priority = static_cast<std::size_t>(below(4));
    for (std::int64_t size = 1; size < options.max_batch; size++) {
      if (below(6) == 0) options.preferred.push_back(size);
    }
    return options;
  }

  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = what;
  }
  void check(bool right, const char* what) {
    if (!right) fail(what);
  }

  // The next moment at which something happens by itself.
  void advance() {
    Time until = now_ + std::chrono::microseconds(1 + below(500));
    if (running_) until = std::min(until, ends_);
    if (!running_ && wake_ != Time::max()) until = std::min(until, std::max(wake_, now_));
    now_ = until;
    if (running_ && now_ >= ends_) end_run();
  }

  void step() {
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        submit();
        break;
      case 3:
        cancel();
        break;
      case 4:
        schedule_.set_coming(coming_ = static_cast<std::size_t>(below(2)));
        break;
      default:
        advance();
    }
  }

  void submit() {
    auto job = std::make_shared<Job>();
    job->rows = below(10) == 0 ? 1 + below(30) : 1 + below(3);
    job->inputs.emplace_back(static_cast<std::size_t>(job->rows));
    job->row_shapes.push_back({below(8) == 0 ? 2 : 1});
    job->priority = static_cast<std::uint64_t>(below(5));
    job->deadline = now_ + std::chrono::microseconds(below(4) == 0 ? below(2000) : 1000 + below(20'000));
    const bool idle = !running_ && schedule_.waiting().empty();
    const std::size_t count = schedule_.waiting().count();
    const auto refusal = schedule_.submit(job, now_);
    if (refusal) {
      check(!idle, "an idle server refused a request");
      check(refusal->retry_after >= 1s, "told to come back in less than a second");
      return;
    }
    check(count < options_.queue_limit, "more requests wait than may");
    known_.push_back({job, level_of(*job), ++arrivals_, now_});
    by_job_[job.get()] = known_.size() - 1;
  }

  std::size_t level_of(const Job& job) const {
    const bool named = job.priority >= 1 && job.priority <= options_.priorities;
    const std::size_t usual = options_.default_priority ? options_.default_priority : (options_.priorities + 1) / 2;
    return std::min<std::size_t>(named ? job.priority : usual, options_.priorities) - 1;
  }

  void cancel() {
    if (known_.empty()) return;
    Known& chosen = known_[static_cast<std::size_t>(below(static_cast<int>(known_.size())))];
    if (chosen.answers) return;
    chosen.cancelled = true;
    const bool stop = schedule_.cancel(chosen.job);
    const bool member = running_ && is_member(chosen.job);
    const bool wanted = running_ && std::ranges::any_of(batch_.parts, [&](const Part& part) {
                          return !known_[by_job_.at(part.job.get())].cancelled;
                        });
    check(!stop || (member && !wanted), "a batch was stopped though a member is wanted");
    if (stop) {
      called_off_ = true;
      ends_ = std::min(ends_, now_ + 10us);
    }
    if (member && !wanted) check(called_off_, "a batch that nobody wants goes on");
  }

  bool is_member(const JobPtr& job) const {
    return std::ranges::any_of(batch_.parts, [&](const Part& part) { return part.job == job; });
  }

  void answer(const JobPtr& job) {
    Known& known = known_[by_job_.at(job.get())];
    check(!known.cancelled, "a cancelled request was answered");
    check(++known.answers == 1, "a request was answered twice");
  }

  // What the engine's thread does whenever it is free.
  void ask() {
    if (running_) return;
    Schedule::Next next = schedule_.next(now_);
    for (const JobPtr& job : next.late) {
      answer(job);
      check(job->expired && !job->result, "what was late has no error");
    }
    wake_ = next.wake;
    if (next.batch.parts.empty()) {
      if (schedule_.waiting().empty()) return;
      check(coming_ > 0 && !draining_, "the engine idles though nothing is coming");
      check(next.wake > now_, "asks to be woken in the past");
      const auto oldest = std::ranges::find_if(known_, &Known::waits);  // they are in the order of their arrival
      check(next.wake <= oldest->arrived + options_.max_delay, "the oldest waits longer than the delay");
      check(schedule_.waiting().rows() < options_.max_batch, "a full batch waits");
      return;
    }
    batch_ = std::move(next.batch);
    check_batch();
    running_ = true;
    called_off_ = false;
    ends_ = now_ + std::chrono::microseconds(1 + (below(20) == 0 ? below(5000) : below(300)));
  }

  void check_batch() {
    std::int64_t rows = 0;
    for (const Part& part : batch_.parts) {
      Known& known = known_[by_job_.at(part.job.get())];
      rows += part.rows;
      check(part.job->row_shapes == batch_.parts[0].job->row_shapes, "a batch mixes shapes");
      check(part.job->deadline > now_, "a run began after its deadline");
      check(!known.cancelled && known.answers == 0, "a run has a member that nobody waits for");
      check(part.first == known.rows_run, "rows run out of order");
      check(part.rows == part.job->rows || part.job->rows > options_.max_batch, "a request was split without need");
      known.rows_run += part.rows;
      check_order(known);
    }
    check(rows == batch_.rows && rows >= 1 && rows <= options_.max_batch, "a batch has more rows than it may");
  }

  // Nobody of the same priority and shape came before it and still waits.
  void check_order(const Known& taken) {
    for (const Known& other : known_) {
      if (other.arrival >= taken.arrival) break;
      if (other.waits() && other.level == taken.level && other.job->row_shapes == taken.job->row_shapes &&
          !is_member(other.job)) {
        fail("a request overtook an older one of its priority");
      }
    }
  }

  void end_run() {
    running_ = false;
    if (called_off_) {
      batch_.result = make_error(Code::cancelled, "cancelled");
    } else if (below(15) == 0) {
      batch_.result = make_error(Code::internal, "broken");
    }
    const bool failed = !batch_.result;
    for (const JobPtr& job : schedule_.finish(batch_, now_)) {
      answer(job);
      check(is_member(job), "a run answered for somebody else");
      check(job->result.has_value() != failed, "an answer isn't its batch's");
      const Known& known = known_[by_job_.at(job.get())];
      check(failed || known.rows_run == job->rows, "an answer lacks rows");
    }
    for (const Part& part : batch_.parts) {
      const Known& known = known_[by_job_.at(part.job.get())];
      const bool complete = failed || known.rows_run == part.job->rows;
      check(known.cancelled || !complete || known.answers == 1, "a run left a member without its answer");
    }
    batch_ = Batch();
  }

  void check_end() {
    check(!running_ && schedule_.waiting().empty(), "draining left something behind");
    check(schedule_.waiting().bytes() == 0 && schedule_.waiting().rows() == 0, "the counts don't return to zero");
    for (const Known& known : known_) check(known.cancelled || known.answers == 1, "a request was never answered");
  }

  std::mt19937_64 random_;
  const QueueOptions options_;
  Schedule schedule_;
  Time now_ = Time(1h), wake_ = Time::max(), ends_{};
  bool running_ = false, called_off_ = false, draining_ = false;
  std::size_t coming_ = 0;
  std::uint64_t arrivals_ = 0;
  Batch batch_;
  std::vector<Known> known_;
  std::map<const Job*, std::size_t> by_job_;
  std::string fault_;
};

TEST(ScheduleSimulation, KeepsItsPromisesInEveryHistory) {
  for (std::uint64_t seed = 1; seed <= kHistories; seed++) {
    const std::string fault = History(seed).run();
    ASSERT_EQ(fault, "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace adze::server
