// JSON bodies to jobs, and finished jobs to JSON: POST /predict and the Open Inference Protocol's infer.
//
// Numbers go straight into the rows that the engine will read. Everything is checked against the model's inputs: names,
// types, shapes, counts; what isn't a finite number of the input's type is refused. Errors are bad_input.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/model/served_model.h"

namespace adze::server {

struct InferRequest {
  JobPtr job;
  std::string id;  // echoed
  bool has_id = false;
  std::vector<std::size_t> outputs;  // indices of the wanted outputs
};

class Decoder {
 public:
  Decoder();
  ~Decoder();
  // {"features": [...]}: one row of the model's only input, nested or flat.
  Result<JobPtr> predict(std::string_view body, const ServedModel& model);
  Result<InferRequest> infer(std::string_view body, const ServedModel& model);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// {"score": x}; with several values also "scores", and "label", the index of the greatest, whose value is the score.
Result<std::string> encode_predict(const Job& job, const ServedModel& model);
Result<std::string> encode_infer(const InferRequest& request, const ServedModel& model);

}  // namespace adze::server
