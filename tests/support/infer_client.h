// Infer requests and their answers in parts, and a model that hands tensors of every served type through.
#pragma once

#include <cstring>
#include <fstream>

#include "tests/support/model_builder.h"
#include "tests/support/server_fixture.h"

namespace adze::server {

inline std::string saved(const testing::ModelBuilder& builder, const std::string& name) {
  const std::string path = ::testing::TempDir() + "adze_" + std::to_string(getpid()) + "_" + name + ".onnx";
  std::ofstream(path, std::ios::binary) << builder.serialized();
  return path;
}

inline const std::vector<DType> kServedTypes = {DType::boolean, DType::i8,  DType::i16, DType::i32, DType::i64,
                                                DType::u8,      DType::u16, DType::u32, DType::u64, DType::f16,
                                                DType::bf16,    DType::f32, DType::f64};

// y_TYPE = x_TYPE, of shape [N, 2], for each type.
inline std::string pass_through(const std::vector<DType>& types) {
  testing::ModelBuilder m(21);
  for (const DType type : types) {
    const std::string name(oip_name_of(type));
    m.input("x_" + name, {-1, 2}, type).output("y_" + name, {-1, 2}, type);
    m.node("Identity", {"x_" + name}, {"y_" + name});
  }
  return saved(m, "through");
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// An infer request whose body is JSON with binary tensors behind it.
inline std::string binary_post(const std::string& path, const std::string& json, const std::string& tensors,
                               const std::string& fields = {}) {
  return post(path, json + tensors,
              "Inference-Header-Content-Length: " + std::to_string(json.size()) + "\r\n" + fields);
}

// The value of a response's field.
inline std::string field_of(const std::string& response, const std::string& name) {
  const std::size_t at = response.find("\r\n" + name + ": ");
  if (at == response.npos || at > response.find("\r\n\r\n")) return {};
  const std::size_t begin = at + name.size() + 4;
  return response.substr(begin, response.find("\r\n", begin) - begin);
}
// An answer's JSON, and the binary tensors behind it.
inline std::string json_of(const std::string& response) {
  const std::string length = field_of(response, "Inference-Header-Content-Length");
  return length.empty() ? body_of(response) : body_of(response).substr(0, std::stoul(length));
}
inline std::string tensors_of(const std::string& response) {
  return body_of(response).substr(json_of(response).size());
}

}  // namespace adze::server
