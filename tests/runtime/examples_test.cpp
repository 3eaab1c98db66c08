// The bundled models on the real samples beside them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "runtime/session.h"
#include "runtime/thread_pool.h"

namespace adze {
namespace {

const std::string kExamples = ADZE_SOURCE_DIR "/examples/";

// The floats of a version 1 .npy file.
std::vector<float> read_samples(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_GT(bytes.size(), 10u) << path;
  const std::size_t start =
      10 + static_cast<unsigned char>(bytes[8]) + 256 * static_cast<std::size_t>(static_cast<unsigned char>(bytes[9]));
  std::vector<float> values((bytes.size() - start) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + start, values.size() * sizeof(float));
  return values;
}

std::vector<int> read_labels(const std::string& path) {
  std::ifstream file(path);
  return {std::istream_iterator<int>(file), {}};
}

// Output 0 for all samples as one batch.
std::vector<float> run(const std::string& path, const std::vector<float>& samples, std::int64_t rows) {
  const auto model = Model::load(path);
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  const auto shapes = (*model)->default_shapes(rows);
  Session session(*model, std::make_shared<ThreadPool>(1));
  EXPECT_TRUE(session.reshape(*shapes));
  EXPECT_EQ(session.input(0).size(), samples.size() * sizeof(float));
  std::memcpy(session.input(0).data(), samples.data(), session.input(0).size());
  const CancelFlag cancel;
  EXPECT_TRUE(session.run(cancel));
  const auto* values = reinterpret_cast<const float*>(session.output(0).data());
  return {values, values + session.output_info(0).elements()};
}

TEST(Examples, DigitsAreRead) {
  const auto labels = read_labels(kExamples + "digits/samples.labels.txt");
  ASSERT_EQ(labels.size(), 10u);
  const auto scores = run(kExamples + "digits/digits.onnx", read_samples(kExamples + "digits/samples.npy"), 10);
  ASSERT_EQ(scores.size(), 100u);
  // The samples are the first of each digit in the test set, whichever way the model decides: one is a slanted five.
  int right = 0;
  for (std::size_t i = 0; i < labels.size(); i++) {
    const auto row = scores.begin() + static_cast<std::ptrdiff_t>(10 * i);
    right += std::max_element(row, row + 10) - row == labels[i];
  }
  EXPECT_GE(right, 9);
}

TEST(Examples, TumoursAreTold) {
  const auto labels = read_labels(kExamples + "tabular/samples.labels.txt");
  ASSERT_EQ(labels.size(), 10u);
  const auto scores = run(kExamples + "tabular/tumour.onnx", read_samples(kExamples + "tabular/samples.npy"), 10);
  ASSERT_EQ(scores.size(), 10u);
  for (std::size_t i = 0; i < labels.size(); i++) EXPECT_EQ(scores[i] >= 0.5f, labels[i] == 1) << "sample " << i;
}

}  // namespace
}  // namespace adze
