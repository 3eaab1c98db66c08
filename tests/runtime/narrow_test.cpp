// Narrow types through a whole model: packed in the file, a byte per element at the session, both raw and optimised.
#include <gtest/gtest.h>

#include <cstring>

#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/thread_pool.h"
#include "tests/support/model_builder.h"

namespace adze::testing {
namespace {

Tensor int4(const Shape& shape, const std::vector<int>& values) {
  auto made = Tensor::allocate(DType::i4, shape);
  for (std::size_t i = 0; i < values.size(); i++) made.bytes[i] = static_cast<std::byte>(values[i]);
  return made.tensor;
}

// y = (x + w) transposed, both of int4 with scale 1/2; w is also an output as it is.
std::string model_of_int4() {
  ModelBuilder m(25);
  m.proto().set_ir_version(10);
  m.input("x", {2, 3}, DType::i4).output("y").output("same", {}, DType::i4);
  m.initializer("w", int4({2, 3}, {-8, -1, 0, 1, 2, 7}));
  m.initializer("half", Tensor::from<float>({}, std::vector<float>{0.5f}));
  m.node("Identity", {"w"}, {"same"});
  m.node("DequantizeLinear", {"w", "half"}, {"dw"});
  m.node("DequantizeLinear", {"x", "half"}, {"dx"});
  m.node("Add", {"dx", "dw"}, {"sum"});
  m.node("Transpose", {"sum"}, {"y"});
  return m.serialized();
}

TEST(Narrow, PassesThroughAModel) {
  for (const bool optimise : {false, true}) {
    ModelOptions options;
    options.optimise = optimise;
    const auto model = Model::from_bytes(bytes_of(model_of_int4()), "narrow", options);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ((*model)->inputs()[0].type, DType::i4);
    Session session(*model, std::make_shared<ThreadPool>(1));
    const Shape shape = {2, 3};
    ASSERT_TRUE(session.reshape({&shape, 1}));
    const Tensor x = int4(shape, {2, 2, 2, -2, -2, -2});
    ASSERT_EQ(session.input(0).size(), x.bytes());
    std::memcpy(session.input(0).data(), x.raw(), x.bytes());
    const CancelFlag cancel;
    ASSERT_TRUE(session.run(cancel));
    const auto* y = reinterpret_cast<const float*>(session.output(0).data());
    EXPECT_EQ(std::vector<float>(y, y + 6), (std::vector<float>{-3, -0.5f, 0.5f, 0, 1, 2.5f}));
    EXPECT_EQ(session.output_info(1).type, DType::i4);
    const auto* same = reinterpret_cast<const std::int8_t*>(session.output(1).data());
    EXPECT_EQ(std::vector<int>(same, same + 6), (std::vector<int>{-8, -1, 0, 1, 2, 7}));
  }
}

// What computes takes none of them, and says so by name.
TEST(Narrow, IsRefusedWhereItWouldBeComputedIn) {
  ModelBuilder m(25);
  m.input("x", {2}, DType::f8e4m3fn).output("y", {}, DType::f8e4m3fn);
  m.node("Add", {"x", "x"}, {"y"});
  const auto model = Model::from_bytes(bytes_of(m.serialized()), "narrow");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Code::unsupported);
  EXPECT_NE(model.error().message.find("float8e4m3fn"), std::string::npos) << model.error().message;
}

}  // namespace
}  // namespace adze::testing
