#include "bench/serving/requests.h"

#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

namespace adze::bench {
namespace {

void append_number(std::string& out, float value) {
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

std::string number_list(std::int64_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::string out = "[";
  for (std::int64_t i = 0; i < count; i++) {
    if (i) out += ',';
    append_number(out, uniform(random));
  }
  return out + "]";
}

std::string raw_numbers(std::int64_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::string out;
  for (std::int64_t i = 0; i < count; i++) {
    const float value = uniform(random);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof bytes);
  }
  return out;
}

struct Tensor {
  std::string name, shape;  // the shape as JSON
  std::int64_t elements = 1;
};

bool parse_tensor(const std::string& text, Tensor& tensor) {
  const std::size_t at = text.rfind('=');
  if (at == text.npos || at == 0) return false;
  tensor.name = text.substr(0, at);
  tensor.shape = "[";
  const char* p = text.data() + at + 1;
  const char* const end = text.data() + text.size();
  while (true) {
    std::int64_t dim = 0;
    const auto [next, error] = std::from_chars(p, end, dim);
    if (error != std::errc() || dim < 1 || dim > (1 << 24) || tensor.elements > (1 << 26) / dim) return false;
    tensor.elements *= dim;
    tensor.shape += std::to_string(dim);
    if (next == end) break;
    if (*next != 'x') return false;
    tensor.shape += ',';
    p = next + 1;
  }
  tensor.shape += ']';
  return true;
}

std::string framed(const RequestOptions& options, const std::string& fields, const std::string& body) {
  std::string out = "POST " + options.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields;
  for (const std::string& header : options.headers) out += header + "\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string inference(const RequestOptions& options, const Tensor& tensor, std::mt19937& random) {
  const std::string input = R"({"name":")" + tensor.name + R"(","shape":)" + tensor.shape + R"(,"datatype":"FP32",)";
  if (!options.binary) {
    return framed(options, "Content-Type: application/json\r\n",
                  "{\"inputs\":[" + input + "\"data\":" + number_list(tensor.elements, random) + "}]}");
  }
  const std::string raw = raw_numbers(tensor.elements, random);
  const std::string header = R"({"parameters":{"binary_data_output":true},"inputs":[)" + input +
                             R"("parameters":{"binary_data_size":)" + std::to_string(raw.size()) + "}}]}";
  return framed(options,
                "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: " +
                    std::to_string(header.size()) + "\r\n",
                header + raw);
}

}  // namespace

std::vector<std::string> render_requests(const RequestOptions& options, std::string& trouble) {
  std::vector<std::string> requests;
  std::mt19937 random(1);
  Tensor tensor;
  if (!options.tensor.empty() && !parse_tensor(options.tensor, tensor)) {
    trouble = "--tensor " + options.tensor + ": expected NAME=1x3x224x224";
    return {};
  }
  if (options.binary && options.tensor.empty()) {
    trouble = "--binary needs --tensor";
    return {};
  }
  if (!options.body_file.empty()) {
    std::ifstream file(options.body_file, std::ios::binary);
    const std::string body{std::istreambuf_iterator<char>(file), {}};
    if (!file.good() && body.empty()) {
      trouble = options.body_file + ": can't be read";
      return {};
    }
    return {framed(options, "Content-Type: application/json\r\n", body)};
  }
  for (int i = 0; i < options.variants; i++) {
    requests.push_back(options.tensor.empty() ? framed(options, "Content-Type: application/json\r\n",
                                                       "{\"features\":" + number_list(options.features, random) + "}")
                                              : inference(options, tensor, random));
  }
  return requests;
}

}  // namespace adze::bench
