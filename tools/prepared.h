// A session with a model, its inputs bound and its plan made: what run, bench and verify start from.
#pragma once

#include <memory>
#include <vector>

#include "runtime/session.h"

namespace adze {

struct Prepared {
  std::shared_ptr<const Model> model;
  std::vector<Tensor> feeds;
  Session session;
};

// threads 0: one per usable CPU.
Result<Prepared> prepare(std::shared_ptr<const Model> model, std::vector<Tensor> feeds, int threads);

}  // namespace adze
