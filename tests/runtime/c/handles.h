// Handles of the C interface that close themselves, and the models that its tests run.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "runtime/c/inference.h"
#include "tests/support/small_cnn.h"

namespace adze::testing {

class CModel {
 public:
  explicit CModel(const std::string& bytes, const inference_model_options* options = nullptr) {
    status_ = inference_model_open_memory(bytes.data(), bytes.size(), "test.onnx", options, &model_);
  }
  ~CModel() { inference_model_close(model_); }
  CModel(const CModel&) = delete;
  CModel& operator=(const CModel&) = delete;

  inference_status status() const { return status_; }
  operator inference_model*() const { return model_; }

 private:
  inference_model* model_ = nullptr;
  inference_status status_;
};

class CSession {
 public:
  explicit CSession(const inference_model* model, int threads = 1) {
    inference_session_options options = {};
    options.struct_size = sizeof options;
    options.threads = threads;
    status_ = inference_session_open(model, &options, &session_);
  }
  CSession(const inference_model* model, const inference_session_options& options) {
    status_ = inference_session_open(model, &options, &session_);
  }
  ~CSession() { inference_session_close(session_); }
  CSession(const CSession&) = delete;
  CSession& operator=(const CSession&) = delete;

  inference_status status() const { return status_; }
  std::string error() const { return inference_session_error(session_); }
  operator inference_session*() const { return session_; }

 private:
  inference_session* session_ = nullptr;
  inference_status status_;
};

inline inference_tensor tensor(std::vector<std::int64_t> dims, void* data = nullptr, std::size_t bytes = 0) {
  inference_tensor t = {};
  t.rank = static_cast<std::int32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), t.dims);
  t.data = data;
  t.bytes = bytes;
  return t;
}

inline std::vector<float> floats(const inference_tensor& t) {
  std::vector<float> values(t.bytes / sizeof(float));
  std::memcpy(values.data(), t.data, t.bytes);
  return values;
}

// y = sum of x's elements: what predict() takes.
inline std::string sum_model(float factor = 1, std::int64_t features = 5) {
  ModelBuilder m;
  m.input("x", {-1, features}).output("y");
  auto weights = Tensor::allocate(DType::f32, {features, 1});
  for (std::int64_t i = 0; i < features; i++) weights.as<float>()[i] = factor;
  m.initializer("w", weights.tensor);
  m.node("MatMul", {"x", "w"}, {"y"});
  return m.serialized();
}

// Products that take long: a run of them can be stopped on its way.
inline std::string long_model(int products = 16) {
  constexpr std::int64_t kSide = 512;
  ModelBuilder m;
  m.input("x", {-1, kSide}).output("y").initializer("w", random_tensor({kSide, kSide}, 1, -0.05f, 0.05f));
  for (int i = 0; i < products; i++) {
    const std::string from = i == 0 ? "x" : "v" + std::to_string(i);
    m.node("MatMul", {from, "w"}, {i + 1 == products ? "y" : "v" + std::to_string(i + 1)});
  }
  return m.serialized();
}
constexpr std::int64_t kLongRows = 1024;

}  // namespace adze::testing
