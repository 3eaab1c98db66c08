// What the C interface's handles are.
#pragma once

#include <optional>
#include <vector>

#include "runtime/c/boundary.h"
#include "runtime/c/deadline.h"
#include "runtime/model.h"
#include "runtime/session.h"

struct inference_model {
  std::shared_ptr<const adze::Model> model;  // null where opening failed
  adze::c::ErrorText error;
};

struct inference_session {
  std::shared_ptr<const adze::Model> model;  // null where opening failed
  adze::c::ErrorText error;
  std::optional<adze::Session> session;
  bool prepared = false;    // the session has a plan
  bool own_inputs = false;  // and reads its own memory
  bool ran = false;         // and holds the results of a run
  std::vector<adze::Shape> shapes;
  std::vector<adze::InputShape> typed_shapes;  // in place of `shapes` where the model leaves types open
  adze::CancelFlag cancel;
  std::optional<adze::c::DeadlineWatch> watch;
};
