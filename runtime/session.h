// Session: one concurrent run of a model: an arena, a plan's resolved pointers, and the threads that execute it.
//
// Thread-safety: a session belongs to one thread at a time. Any thread may raise the CancelFlag that run() was given.
#pragma once

#include <memory>
#include <span>

#include "kernels/core/cancel.h"
#include "runtime/arena.h"
#include "runtime/model.h"

namespace adze {

class Plan;
class Profile;
class ThreadPool;

class Session {
 public:
  // `pool` may be shared by sessions that never run at the same time. The arena is memory of `arena_source`.
  Session(std::shared_ptr<const Model> model, std::shared_ptr<ThreadPool> pool, const MemorySource& arena_source = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  // Makes the plan for these input shapes current. All allocation happens here: nothing is allocated by run() once a
  // plan has been current before (the arena only grows).
  Result<void> reshape(std::span<const Shape> input_shapes);
  // The same where shapes follow from the content of some inputs.
  Result<void> reshape(std::span<const InputShape> inputs);

  // REQUIRES of all below: reshape() succeeded.
  const Plan& plan() const;
  // Where to write input i before run(); its place is fixed until the next reshape().
  std::span<std::byte> input(int i);
  // Lets the next runs read input i from the caller's memory instead, until the next reshape() or bind_input().
  void bind_input(int i, const std::byte* data);
  // Error bad_input with the node's name when a value is outside what an operator allows, cancelled when the flag was
  // raised; the outputs are then unspecified and the session stays usable.
  Result<void> run(const CancelFlag& cancel);
  // The result of the last run, valid until the next run() or reshape(). Before it, output_info() is valid only where
  // shapes follow from shapes (plan().rest() is null).
  const TensorInfo& output_info(int i) const;
  std::span<const std::byte> output(int i) const;

  // Collects per-step times of later runs; null stops it.
  void set_profile(Profile* profile);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace adze
