// How much memory a model takes while and after it is loaded and planned, against the bytes of its weights. A program
// of its own: what other tests leave in the heap would hide what this one uses.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "runtime/plan.h"
#include "tests/runtime/c/handles.h"
#include "tests/support/small_cnn.h"
#include "tests/support/temp_folder.h"

namespace adze::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// VmRSS, or VmHWM, the highest that VmRSS has been; 0 where the system doesn't tell.
double resident_bytes(const char* field) {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  if (!file) return 0;
  double kilobytes = 0;
  char line[256];
  while (std::fgets(line, sizeof line, file)) {
    if (std::strncmp(line, field, std::strlen(field)) == 0) kilobytes = std::atof(line + std::strlen(field) + 1);
  }
  std::fclose(file);
  return kilobytes * 1024;
}

constexpr std::int64_t kChannels = 512, kSide = 4, kClasses = 1000;

// Convolutions with batch normalisations, and a product behind a flatten.
std::string heavy_model() {
  ModelBuilder m;
  m.input("x", {-1, kChannels, kSide, kSide}).output("y");
  std::string from = "x";
  for (const std::string name : {"a", "b", "c", "d"}) {
    m.initializer(name + "w", random_tensor({kChannels, kChannels, 3, 3}, 1));
    auto& conv = m.node("Conv", {from, name + "w"}, {name + "c"});
    set(conv, "pads", {1, 1, 1, 1});
    for (const char* part : {"s", "t", "m", "v"}) m.initializer(name + part, random_tensor({kChannels}, 2, 0.5f, 1));
    m.node("BatchNormalization", {name + "c", name + "s", name + "t", name + "m", name + "v"}, {name});
    from = name;
  }
  m.node("Flatten", {from}, {"flat"});
  m.initializer("fw", random_tensor({kChannels * kSide * kSide, kClasses}, 3));
  m.node("MatMul", {"flat", "fw"}, {"y"});
  return m.serialized();
}

// Writes the model from another process, whose memory is not ours.
double write_heavy_model(const TempFolder& folder) {
  const pid_t child = fork();
  if (child == 0) {
    folder.write("heavy.onnx", heavy_model());
    _exit(::testing::Test::HasFailure());
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return static_cast<double>(std::filesystem::file_size(folder.path("heavy.onnx")));
}

TEST(Memory, StaysNearTheWeightsBytes) {
  if (kSanitized) GTEST_SKIP() << "sanitizers take memory of their own";
  const double before = resident_bytes("VmRSS:");
  if (before == 0) GTEST_SKIP() << "/proc/self/status doesn't tell";
  const TempFolder folder;
  const double weights = write_heavy_model(folder);
  ASSERT_GT(weights, 64e6);
  ASSERT_LT(resident_bytes("VmHWM:") - before, 0.1 * weights);

  const auto model = Model::load(folder.path("heavy.onnx"));
  ASSERT_TRUE(model) << model.error().message;
  const Shape one{1, kChannels, kSide, kSide}, eight{8, kChannels, kSide, kSide};
  ASSERT_TRUE((*model)->plan({&one, 1}, 1));
  const double after = resident_bytes("VmRSS:") - before, peak = resident_bytes("VmHWM:") - before;
  std::printf("weights %.1f MB, after %.2f times, at most %.2f times\n", weights / 1e6, after / weights,
              peak / weights);
  EXPECT_LE(after, 1.3 * weights);
  EXPECT_LE(peak, 2.2 * weights);
  EXPECT_LE(static_cast<double>((*model)->weight_bytes()), 1.1 * weights);

  ASSERT_TRUE((*model)->plan({&eight, 1}, 2));
  EXPECT_LE(resident_bytes("VmRSS:") - before, 1.3 * weights);
  EXPECT_LE(resident_bytes("VmHWM:") - before, 2.2 * weights);
}

TEST(Memory, TenThousandOpensAndClosesLeaveNothing) {
  if (kSanitized) GTEST_SKIP() << "sanitizers take memory of their own";
  const TempFolder folder;
  const std::string bytes = sum_model(), path = folder.write("sum.onnx", bytes);
  const float row[] = {1, 2, 3, 4, 5};
  int wrong = 0;
  const auto cycle = [&] {
    const CModel model(bytes);
    const CSession session(model);
    inference_tensor in, out;
    wrong += inference_session_prepare_rows(session, 1, &in, 1) != INFERENCE_OK;
    std::memcpy(in.data, row, sizeof row);
    wrong += inference_session_run(session, INFERENCE_NO_TIMEOUT) != INFERENCE_OK;
    wrong += inference_session_output(session, 0, &out) != INFERENCE_OK || floats(out)[0] != 15;
    wrong += inference_open(path.c_str()) != INFERENCE_OK;
    wrong += predict(reinterpret_cast<const char*>(row), sizeof row) != 15;
    inference_close();
  };
  for (int i = 0; i < 500; i++) cycle();
  const double before = resident_bytes("VmRSS:");
  if (before == 0) GTEST_SKIP() << "/proc/self/status doesn't tell";
  for (int i = 0; i < 10000; i++) cycle();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(resident_bytes("VmRSS:") - before, double{1 << 20});
}

}  // namespace
}  // namespace adze::testing
