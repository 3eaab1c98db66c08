// A model's results with and without the optimising passes, and what is left of its nodes.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "graph/passes/pipeline.h"
#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {

struct PassesRun {
  std::vector<Tensor> outputs;
  std::string steps;                 // their operators, as "Transpose Conv Gemm"
  std::vector<std::string> kernels;  // of each step
  bool exact = false;
};

// The inputs are f32 and filled at random. `batch` replaces first dimensions that are symbolic or 1.
inline PassesRun run_passes_of(const std::string& model_bytes, const ModelOptions& options, int threads = 1,
                               std::int64_t batch = 2) {
  PassesRun result;
  auto model = Model::from_bytes(bytes_of(model_bytes), "model", options);
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  if (!model) return result;
  const auto shapes = (*model)->default_shapes(batch);
  Session session(*model, std::make_shared<ThreadPool>(threads));
  const auto reshaped = session.reshape(*shapes);
  EXPECT_TRUE(reshaped) << (reshaped ? "" : reshaped.error().message);
  if (!reshaped) return result;
  for (std::size_t i = 0; i < shapes->size(); i++) {
    const Tensor x = random_tensor((*shapes)[i], 1000 + i, -2, 2);
    std::memcpy(session.input(static_cast<int>(i)).data(), x.raw(), x.bytes());
  }
  const CancelFlag cancel;
  const auto done = session.run(cancel);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  for (int i = 0; i < static_cast<int>((*model)->outputs().size()); i++) {
    auto made = Tensor::allocate(session.output_info(i).type, session.output_info(i).shape);
    std::memcpy(made.bytes.data(), session.output(i).data(), made.bytes.size());
    result.outputs.push_back(made.tensor);
  }
  for (const PlanStep& step : session.plan().steps()) {
    result.steps += (result.steps.empty() ? "" : " ") + std::string(step.op);
    result.kernels.push_back(step.step.kernel);
  }
  result.exact = session.plan().exact();
  return result;
}

inline void expect_close(const Tensor& raw, const Tensor& optimised) {
  ASSERT_EQ(raw.type(), optimised.type());
  ASSERT_EQ(to_string(raw.shape()), to_string(optimised.shape()));
  ASSERT_EQ(raw.type(), DType::f32);
  float largest = 0;
  for (const float value : raw.as<float>()) largest = std::max(largest, std::fabs(value));
  for (std::size_t i = 0; i < raw.as<float>().size(); i++) {
    ASSERT_NEAR(raw.as<float>()[i], optimised.as<float>()[i], kPassRounding * largest) << "element " << i;
  }
}

// Both ways must agree: in every byte if the plan says that it is exact, else within kPassRounding. Returns the
// optimised run.
inline PassesRun expect_passes_agree(const std::string& model_bytes, bool winograd = true) {
  ModelOptions options;
  options.winograd = winograd;
  PassesRun optimised = run_passes_of(model_bytes, options);
  options.optimise = false;
  const PassesRun raw = run_passes_of(model_bytes, options);
  EXPECT_TRUE(raw.exact);
  EXPECT_EQ(raw.outputs.size(), optimised.outputs.size());
  for (std::size_t i = 0; i < std::min(raw.outputs.size(), optimised.outputs.size()); i++) {
    SCOPED_TRACE(concat("output ", i, ", steps ", optimised.steps));
    if (optimised.exact) {
      EXPECT_TRUE(same_bytes(raw.outputs[i], optimised.outputs[i]));
    } else {
      expect_close(raw.outputs[i], optimised.outputs[i]);
    }
  }
  return optimised;
}

// Both ways agree, with these steps left over; `exact`: in every byte.
inline void expect_steps(const ModelBuilder& m, const std::string& steps, bool exact = true) {
  const PassesRun run = expect_passes_agree(m.serialized());
  EXPECT_EQ(run.steps, steps);
  EXPECT_EQ(run.exact, exact);
}

constexpr bool kRounds = false;

}  // namespace adze::testing
