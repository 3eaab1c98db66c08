// What a run costs beside its kernels: models whose steps have next to nothing to do, run one after the other. A step's
// share is its call, its arguments and the polls of the run loop; the rest is paid once per run.
#include <benchmark/benchmark.h>

#include "runtime/model.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/model_builder.h"

namespace adze {
namespace {

// y = ((x w) w) ..., one product of 1 x 1 matrices per step.
std::string chain(int steps) {
  testing::ModelBuilder builder;
  builder.input("x0", {1, 1}).output("x" + std::to_string(steps));
  const float one = 1;
  builder.initializer("w", Tensor::from<float>({1, 1}, {&one, 1}));
  for (int i = 0; i < steps; i++) {
    builder.node("Gemm", {"x" + std::to_string(i), "w"}, {"x" + std::to_string(i + 1)});
  }
  return builder.serialized();
}

void dispatch(benchmark::State& state) {
  const auto steps = static_cast<int>(state.range(0));
  const std::string bytes = chain(steps);
  const auto model = Model::from_bytes(testing::bytes_of(bytes), "chain");
  if (!model) return state.SkipWithError(model.error().message.c_str());
  Session session(*model, std::make_shared<ThreadPool>(static_cast<int>(state.range(1))));
  const Shape shape{1, 1};
  if (const auto shaped = session.reshape({&shape, 1}); !shaped) {
    return state.SkipWithError(shaped.error().message.c_str());
  }
  const CancelFlag cancel;
  for (auto _ : state) {
    if (!session.run(cancel)) return state.SkipWithError("run failed");
  }
  state.counters["per_step"] =
      benchmark::Counter(steps, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(dispatch)->ArgNames({"steps", "threads"})->ArgsProduct({{1, 3, 10, 50}, {1, 2}});

}  // namespace
}  // namespace adze

BENCHMARK_MAIN();
