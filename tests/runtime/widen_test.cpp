// Products of 16-bit floats, which the optimised plan computes in f32 between casts.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/model_builder.h"
#include "tests/support/tensors.h"

namespace adze::testing {
namespace {

template <class T>
std::string two_products() {
  const DType type = dtype_of<T>;
  ModelBuilder m;
  m.input("x", {1, 3, 6, 5}, type).input("w2", {4, 2}, type).output("y", {1, 2}, type);
  m.initializer("w", cast_to<T>(random_tensor({4, 3, 3, 3}, 1)));
  m.initializer("b", cast_to<T>(random_tensor({4}, 2)));
  m.node("Conv", {"x", "w", "b"}, {"c"});
  m.node("GlobalAveragePool", {"c"}, {"p"});
  set(m.node("Flatten", {"p"}, {"f"}), "axis", std::int64_t{1});
  m.node("MatMul", {"f", "w2"}, {"y"});
  return m.serialized();
}

struct Ran {
  std::vector<float> y;
  std::string kernels;
};

template <class T>
Ran run(bool optimise) {
  ModelOptions options;
  options.optimise = optimise;
  auto model = Model::from_bytes(bytes_of(two_products<T>()), "halves", options);
  EXPECT_TRUE(model) << model.error().message;
  Session session(*model, std::make_shared<ThreadPool>(1));
  const Shape shapes[] = {{1, 3, 6, 5}, {4, 2}};
  const auto reshaped = session.reshape(shapes);
  EXPECT_TRUE(reshaped) << reshaped.error().message;
  for (int i = 0; i < 2; i++) {
    const Tensor input = cast_to<T>(random_tensor(shapes[i], static_cast<std::uint64_t>(10 + i)));
    std::memcpy(session.input(i).data(), input.raw(), input.bytes());
  }
  const CancelFlag cancel;
  EXPECT_TRUE(session.run(cancel));
  Ran ran;
  const auto* values = reinterpret_cast<const T*>(session.output(0).data());
  for (int i = 0; i < 2; i++) ran.y.push_back(static_cast<float>(values[i]));
  for (const PlanStep& step : session.plan().steps()) ran.kernels += step.step.kernel + ' ';
  return ran;
}

template <class T>
void expect_agreement(float precision) {
  const Ran raw = run<T>(false), optimised = run<T>(true);
  EXPECT_NE(raw.kernels.find("plain_conv"), std::string::npos) << raw.kernels;
  EXPECT_EQ(optimised.kernels.find("plain_conv"), std::string::npos) << optimised.kernels;
  EXPECT_NE(optimised.kernels.find("conv_f32"), std::string::npos) << optimised.kernels;
  for (std::size_t i = 0; i < 2; i++)
    EXPECT_NEAR(raw.y[i], optimised.y[i], precision * std::fabs(raw.y[i]) + precision);
}

TEST(WidenProducts, HalfAgreesWithThePlainForm) { expect_agreement<Float16>(0x1p-9f); }
TEST(WidenProducts, BrainFloatAgreesWithThePlainForm) { expect_agreement<BFloat16>(0x1p-6f); }

}  // namespace
}  // namespace adze::testing
