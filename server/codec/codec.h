// Bodies to jobs, and finished jobs to bodies: POST /predict and the Open Inference Protocol's infer, with tensors as
// JSON or as binary data behind it.
//
// JSON numbers go straight into the rows that the engine gathers; binary tensors stay where they are in a body that is
// kept. Everything is checked against the model's inputs: names, types, shapes, counts; what isn't a finite number of
// the input's type is refused in JSON. Errors are bad_input.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/model/served_model.h"

namespace adze::server {

// An infer request's body in its parts.
struct InferBody {
  std::string_view json = {}, tensors = {};
  bool raw = false;            // no JSON: all of it is the one input
  bool binary_answer = false;  // unless the request says otherwise

  // `json_bytes` as the head announces it (InferenceHead).
  static Result<InferBody> split(std::string_view body, std::optional<std::size_t> json_bytes);
};

struct InferRequest {
  struct Output {
    std::size_t index;  // of the model's outputs
    bool binary;
  };
  JobPtr job;
  std::string id;  // echoed
  bool has_id = false;
  std::vector<Output> outputs;  // as they are wanted

  bool binary() const;  // whether any output is
};

class Decoder {
 public:
  Decoder();
  ~Decoder();
  // {"features": [...]}: one row of the model's only input, nested or flat.
  Result<JobPtr> predict(std::string_view body, const ServedModel& model);
  // `keep`, when given, keeps the body: inputs are then parts of it instead of copies.
  Result<InferRequest> infer(const InferBody& body, const ServedModel& model, std::shared_ptr<const void> keep = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// An answer's body: JSON, and binary tensors behind it. The tensors are views of the job's outputs.
struct AnswerBody {
  std::string json;
  std::vector<std::string_view> tensors;
};

// {"score": x}; with several values also "scores", and "label", the index of the greatest, whose value is the score.
Result<AnswerBody> encode_predict(const Job& job, const ServedModel& model);
Result<AnswerBody> encode_infer(const InferRequest& request, const ServedModel& model);

}  // namespace adze::server
