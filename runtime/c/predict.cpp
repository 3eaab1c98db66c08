// The short way: a model for the whole process, and sessions that calls of predict() take and give back.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <mutex>

#include "runtime/c/handles.h"
#include "runtime/plan.h"
#include "runtime/thread_pool.h"

static_assert(std::endian::native == std::endian::little, "predict() reads its floats as they lie");

namespace adze::c {
namespace {

thread_local ErrorText last_error;

// A session that is prepared for one row.
struct Predictor {
  Session session;
  std::uint32_t generation;
  CancelFlag never = {};
};

Result<std::unique_ptr<Predictor>> make_predictor(const std::shared_ptr<const Model>& model, std::uint32_t generation) {
  if (model->inputs().size() != 1 || model->outputs().empty() || model->inputs()[0].type != DType::f32 ||
      model->outputs()[0].type != DType::f32) {
    return make_error(Code::bad_input, model->name(),
                      ": predict takes models with one input and a first output, both float");
  }
  ADZE_TRY(const std::vector<Shape> shapes, model->default_shapes());
  std::unique_ptr<Predictor> made(new Predictor{Session(model, std::make_shared<ThreadPool>(1)), generation});
  ADZE_CHECK(made->session.reshape(shapes));
  return made;
}

Result<float> score(Predictor& p, const char* data, int len) {
  const std::span<std::byte> input = p.session.input(0);
  if (!data || len < 0 || static_cast<std::size_t>(len) != input.size()) {
    return make_error(Code::bad_input, "predict takes ", input.size(), " bytes, not ", data ? len : 0);
  }
  std::memcpy(input.data(), data, input.size());
  ADZE_CHECK(p.session.run(p.never));
  const std::span<const std::byte> output = p.session.output(0);
  if (output.empty()) return make_error(Code::bad_input, "the model's first output is empty");
  const auto* values = reinterpret_cast<const float*>(output.data());
  return *std::max_element(values, values + output.size() / sizeof(float));
}

// The process's model. Predictors that no call uses wait in slots; each belongs to whoever swaps it out, so that taking
// one and giving it back needs no lock. Choosing another model raises the generation: predictors of an older one are
// thrown away by whoever meets them.
class Chosen {
 public:
  Result<std::unique_ptr<Predictor>> take() {
    for (auto& slot : idle_) {
      if (!slot.load(std::memory_order_relaxed)) continue;
      std::unique_ptr<Predictor> found(slot.exchange(nullptr));
      if (found && found->generation == generation_) return found;
    }
    std::shared_ptr<const Model> model;
    std::uint32_t generation = 0;
    {
      const std::lock_guard lock(mutex_);
      if (!model_) {
        const char* path = std::getenv("INFERENCE_MODEL");
        if (!path || !*path) {
          return make_error(Code::bad_input, "no model: neither inference_open nor INFERENCE_MODEL names one");
        }
        ADZE_TRY(model_, Model::load(path));
      }
      model = model_;
      generation = generation_;
    }
    return make_predictor(model, generation);
  }

  void give_back(std::unique_ptr<Predictor> predictor) {
    for (auto& slot : idle_) {
      Predictor* none = nullptr;
      if (predictor->generation != generation_) return;
      if (!slot.compare_exchange_strong(none, predictor.get())) continue;
      const std::uint32_t generation = predictor.release()->generation;
      // Another model may have been chosen in between, and the slots emptied before.
      if (generation != generation_) drop_idle();
      return;
    }
  }

  void choose(std::shared_ptr<const Model> model) {
    {
      const std::lock_guard lock(mutex_);
      model_.swap(model);
      generation_++;
    }
    drop_idle();
  }

 private:
  static constexpr std::size_t kMostIdle = 64;

  void drop_idle() {
    for (auto& slot : idle_) delete slot.exchange(nullptr);
  }

  std::mutex mutex_;
  std::shared_ptr<const Model> model_;
  std::atomic<std::uint32_t> generation_{0};
  std::array<std::atomic<Predictor*>, kMostIdle> idle_{};
};

// Never destroyed: threads may still predict while the process ends.
Chosen& chosen() {
  static Chosen& the = *new Chosen;
  return the;
}

}  // namespace
}  // namespace adze::c

using namespace adze::c;
using adze::Result;

float predict(const char* data, int len) {
  float result = std::numeric_limits<float>::quiet_NaN();
  guarded(last_error, [&]() -> Result<void> {
    ADZE_TRY(std::unique_ptr<Predictor> predictor, chosen().take());
    const Result<float> found = score(*predictor, data, len);
    chosen().give_back(std::move(predictor));
    ADZE_TRY(result, found);
    return {};
  });
  return result;
}

inference_status inference_open(const char* path) {
  return guarded(last_error, [&]() -> Result<void> {
    if (!path || !*path) return make_error(adze::Code::bad_input, "no path was given");
    ADZE_TRY(std::shared_ptr<const adze::Model> model, adze::Model::load(path));
    ADZE_CHECK(make_predictor(model, 0));  // what predict() can't use is refused here
    chosen().choose(std::move(model));
    return {};
  });
}

void inference_close() {
  guarded(last_error, [&]() -> Result<void> {
    chosen().choose(nullptr);
    return {};
  });
}

const char* inference_error() { return last_error.text(); }
