// Bodies that are nearly right: whatever a decoder takes must be whole, and nothing else may happen.
#include <random>

#include "server/codec/inference.h"
#include "server/http/compression.h"
#include "tests/support/infer_client.h"

namespace adze::server {
namespace {

const std::string kJson =
    R"({"id":"1","parameters":{"timeout":5,"a":"b"},"inputs":[{"name":"x_FP32","datatype":"FP32","shape":[2,2],)"
    R"("parameters":{"binary_data_size":16}},{"name":"x_BOOL","datatype":"BOOL","shape":[2,2],"data":[[true,false],)"
    R"([true,true]]}],"outputs":[{"name":"y_BOOL","parameters":{"binary_data":true}},{"name":"y_FP32"}]})";

class Mutations {
 public:
  std::string of(std::string text) {
    for (int n = 1 + pick(3); n > 0; n--) {
      const auto at = static_cast<std::size_t>(pick(static_cast<int>(text.size())));
      switch (pick(4)) {
        case 0:
          text[at] = static_cast<char>(pick(256));
          break;
        case 1:
          text[at] = "0123456789-.,:[]{}\"e"[pick(20)];
          break;
        case 2:
          text.erase(at, 1 + static_cast<std::size_t>(pick(8)));
          break;
        default:
          text.insert(at, text.substr(at / 2, static_cast<std::size_t>(pick(12))));
      }
      if (text.empty()) text = "x";
    }
    return text;
  }
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

 private:
  std::mt19937 random_{20};
};

TEST(Mutation, WhatIsTakenIsWhole) {
  const auto model = ServedModel::load({"m"}, pass_through({DType::f32, DType::boolean}), {},
                                       std::make_shared<SharedThreads>(1), std::make_shared<ModelMetrics>(), {});
  ASSERT_TRUE(model) << model.error().message;
  Mutations mutations;
  Decoder decoder;
  int taken = 0, refused = 0;
  for (int i = 0; i < 20'000; i++) {
    InferenceHead head;
    head.route = Route::infer;
    const std::string json = i ? mutations.of(kJson) : kJson;
    const std::string body = json + std::string(static_cast<std::size_t>(i % 40 ? 16 : mutations.pick(40)), '\1');
    head.json_bytes = i % 50 ? json.size() : static_cast<std::size_t>(mutations.pick(600));
    const auto kept = i % 2 ? std::make_shared<const std::string>(body) : nullptr;
    const auto request = decode_inference(head, kept ? *kept : body, kept, **model, decoder, 1 << 20);
    if (!request) {
      EXPECT_EQ(request.error().code, Code::bad_input) << request.error().message;
      refused++;
      continue;
    }
    taken++;
    const Job& job = *request->job;
    ASSERT_EQ(job.inputs.size(), 2u);
    ASSERT_GE(job.rows, 1);
    for (std::size_t k = 0; k < 2; k++) {
      const auto elements = job.row_shapes[k].elements() * job.rows;
      ASSERT_EQ(job.inputs[k].size(), static_cast<std::size_t>(elements) * size_of((*model)->inputs()[k].type)) << json;
    }
    ASSERT_FALSE(request->outputs.empty());
    for (const auto& output : request->outputs) ASSERT_LT(output.index, 2u);
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(refused, 1000);
}

TEST(Mutation, BrokenStreamsAreRefusedOrBounded) {
  Mutations mutations;
  const std::string_view text(kJson);
  for (const Encoding encoding : {Encoding::gzip, Encoding::deflate}) {
    const std::string whole = deflated({&text, 1}, encoding);
    for (int i = 0; i < 5000; i++) {
      const auto result = inflated(mutations.of(whole), encoding, {.bytes = 4096, .ratio = 100, .free = 4096});
      if (result) {
        EXPECT_LE(result->size(), 4096u);
      } else {
        EXPECT_NE(result.error().code, Code::internal) << result.error().message;
      }
    }
  }
}

}  // namespace
}  // namespace adze::server
