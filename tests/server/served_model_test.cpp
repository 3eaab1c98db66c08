#include "server/model/served_model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/model_builder.h"

namespace adze::server {
namespace {

// The protocol has no name for a narrow type, so no request could carry one.
TEST(ServedModel, RefusesTypesWithoutAName) {
  testing::ModelBuilder m(25);
  m.input("x", {2}, DType::i4).output("y");
  testing::set(m.node("Cast", {"x"}, {"y"}), "to", 1);
  const auto path = std::filesystem::temp_directory_path() / ("adze-served-" + std::to_string(getpid()) + ".onnx");
  std::ofstream(path, std::ios::binary) << m.serialized();
  const auto served = ServedModel::load({"narrow"}, path.string(), {}, std::make_shared<SharedThreads>(1),
                                        std::make_shared<ModelMetrics>(), {});
  std::filesystem::remove(path);
  ASSERT_FALSE(served);
  EXPECT_EQ(served.error().code, Code::unsupported);
  EXPECT_NE(served.error().message.find("\"x\" of type int4"), std::string::npos) << served.error().message;
}

}  // namespace
}  // namespace adze::server
