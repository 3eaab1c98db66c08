#include <algorithm>
#include <limits>

#include "runtime/c/handles.h"
#include "runtime/plan.h"
#include "runtime/thread_pool.h"
#include "runtime/usable_cpus.h"

namespace adze::c {
namespace {

constexpr int kMostThreads = 256;

Result<void> open(inference_session& s, const inference_session_options* given) {
  ADZE_TRY(const inference_session_options options, read_options(given));
  if (options.threads < 0 || options.threads > kMostThreads) {
    return make_error(Code::bad_input, "options: threads is ", options.threads, ", not 0 to ", kMostThreads);
  }
  if (options.reserved != 0) return make_error(Code::bad_input, "options: reserved is not 0");
  if (!options.allocate != !options.release) {
    return make_error(Code::bad_input, "options: allocate and release go together");
  }
  const int threads = options.threads > 0 ? options.threads : usable_cpus();
  const ThreadSource source{options.run_parts, options.threads_context};
  s.session.emplace(s.model, std::make_shared<ThreadPool>(threads, source),
                    MemorySource{options.allocate, options.release, options.memory_context});
  const std::size_t inputs = s.model->inputs().size();
  s.shapes.resize(inputs);
  const auto open_type = [](const Port& port) { return port.type == DType::undefined; };
  if (std::ranges::any_of(s.model->inputs(), open_type)) s.typed_shapes.resize(inputs);
  return {};
}

std::string input_name(const inference_session& s, std::size_t i) {
  return concat("input \"", s.model->value_name(s.model->inputs()[i]), "\"");
}

Result<void> check_count(const inference_session& s, const void* tensors, std::size_t count, std::size_t want,
                         const char* what) {
  if (count == want && (tensors || count == 0)) return {};
  return make_error(Code::bad_input, s.model->name(), ": has ", want, " ", what, ", not ", tensors ? count : 0);
}

void describe(const TensorInfo& info, const std::byte* data, inference_tensor& out) {
  out.data = const_cast<std::byte*>(data);
  out.bytes = info.bytes();
  out.type = static_cast<inference_type>(info.type);
  out.rank = info.shape.rank();
  std::fill_n(out.dims, INFERENCE_MAX_RANK, 0);
  std::ranges::copy(info.shape.dims(), out.dims);
}

Result<void> reshape(inference_session& s) {
  s.prepared = s.own_inputs = s.ran = false;
  if (s.typed_shapes.empty()) {
    ADZE_CHECK(s.session->reshape(s.shapes));
  } else {
    for (std::size_t i = 0; i < s.shapes.size(); i++) s.typed_shapes[i].shape = s.shapes[i];
    ADZE_CHECK(s.session->reshape(s.typed_shapes));
  }
  s.prepared = true;
  return {};
}

// What the session is prepared for against what it is to read.
Result<void> check_data(const inference_session& s, std::size_t i, const inference_tensor& input) {
  const TensorInfo& info = s.session->plan().inputs()[i];
  if (input.bytes != info.bytes() || (!input.data && info.bytes() > 0)) {
    return make_error(Code::bad_input, input_name(s, i), ": takes ", info.bytes(), " bytes, not ",
                      input.data ? input.bytes : 0);
  }
  const std::size_t alignment = std::max<std::size_t>(size_of(info.type), 1);
  if (reinterpret_cast<std::uintptr_t>(input.data) % alignment != 0) {
    return make_error(Code::bad_input, input_name(s, i), ": is not aligned to ", alignment, " bytes");
  }
  return {};
}

// A shape against the declared one: sizes must be equal, but for first dimensions of 1, which stand for any batch.
Result<void> check_shape(const inference_session& s, std::size_t i, const Shape& shape) {
  if (!shape.checked_elements()) return make_error(Code::bad_input, input_name(s, i), ": no such shape");
  const auto& dims = s.model->inputs()[i].dims;
  if (!dims) return {};
  bool fits = dims->size() == static_cast<std::size_t>(shape.rank());
  for (int axis = 0; fits && axis < shape.rank(); axis++) {
    const std::int64_t size = (*dims)[static_cast<std::size_t>(axis)].size;
    fits = size < 0 || size == shape[axis] || (axis == 0 && size == 1);
  }
  if (fits) return {};
  std::string declared;
  for (const Dim& dim : *dims) {
    if (!declared.empty()) declared += 'x';
    declared += dim.size >= 0 ? std::to_string(dim.size) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  return make_error(Code::bad_input, input_name(s, i), ": takes ", declared, ", not ", to_string(shape));
}

// Makes the plan for the ranks, dims and open types of `inputs`.
Result<void> reshape_to(inference_session& s, const inference_tensor* inputs) {
  for (std::size_t i = 0; i < s.shapes.size(); i++) {
    const inference_tensor& input = inputs[i];
    if (input.rank < 0 || input.rank > kMaxRank) {
      return make_error(Code::bad_input, input_name(s, i), ": rank ", input.rank, " is outside 0 to ", kMaxRank);
    }
    s.shapes[i] = Shape(std::span(input.dims, static_cast<std::size_t>(input.rank)));
    ADZE_CHECK(check_shape(s, i, s.shapes[i]));
    const DType declared = s.model->inputs()[i].type;
    const bool fits = declared == DType::undefined ? mask_of(static_cast<DType>(input.type)) & kStored
                                                   : input.type == 0 || input.type == static_cast<int>(declared);
    if (!fits || input.type < 0 || input.type > 255) {
      return make_error(Code::bad_input, input_name(s, i), ": is ", name_of(declared), ", not type ", input.type);
    }
    if (!s.typed_shapes.empty() && declared == DType::undefined) {
      s.typed_shapes[i].type = static_cast<DType>(input.type);
    }
  }
  return reshape(s);
}

void describe_inputs(inference_session& s, inference_tensor* inputs) {
  s.own_inputs = true;
  for (std::size_t i = 0; i < s.shapes.size(); i++) {
    describe(s.session->plan().inputs()[i], s.session->input(static_cast<int>(i)).data(), inputs[i]);
  }
}

Result<void> rows_to_shapes(inference_session& s, std::int64_t rows) {
  if (rows < 1) return make_error(Code::bad_input, s.model->name(), ": a batch of ", rows, " rows");
  ADZE_TRY(s.shapes, s.model->default_shapes(rows));
  ADZE_TRY(const std::vector<Shape> one, s.model->default_shapes(1));
  if (rows != 1 && s.shapes == one) {
    return make_error(Code::bad_input, s.model->name(), ": the first dimensions of its inputs are fixed, so that ",
                      rows, " rows are not a batch");
  }
  return {};
}

std::int64_t deadline_after(std::int64_t timeout_ns) {
  const std::int64_t now = DeadlineWatch::now();
  return now + std::min(timeout_ns, std::numeric_limits<std::int64_t>::max() - now - 1);
}

inference_status run(inference_session& s, std::int64_t timeout_ns) {
  if (timeout_ns == 0) {
    s.error.set_fixed("timed out before it began");
    return INFERENCE_TIMED_OUT;
  }
  s.ran = false;
  const inference_status status = guarded(s.error, [&]() -> Result<void> {
    if (timeout_ns > 0) {
      if (!s.watch) s.watch.emplace(s.cancel);
      s.watch->arm(deadline_after(timeout_ns));
    }
    return s.session->run(s.cancel);
  });
  const bool fired = timeout_ns > 0 && s.watch && s.watch->disarm();
  s.ran = status == INFERENCE_OK;
  if (fired || status == INFERENCE_CANCELLED) s.cancel.reset();
  if (status != INFERENCE_CANCELLED || !fired) return status;
  s.error.set_fixed("timed out");
  return INFERENCE_TIMED_OUT;
}

void describe_output(const inference_session& s, std::size_t i, inference_tensor& out) {
  const auto index = static_cast<int>(i);
  describe(s.session->output_info(index), s.session->output(index).data(), out);
}

// Guards work on a session that was opened.
template <class Work>
inference_status with(inference_session* s, Work&& work) noexcept {
  if (!s) return INFERENCE_BAD_INPUT;
  if (!s->session) return INFERENCE_BAD_INPUT;  // the text says why opening failed
  return guarded(s->error, work);
}

}  // namespace
}  // namespace adze::c

using namespace adze::c;
using adze::Code;
using adze::make_error;
using adze::Result;

inference_status inference_session_open(const inference_model* model, const inference_session_options* options,
                                        inference_session** session) {
  if (!session) return INFERENCE_BAD_INPUT;
  *session = new (std::nothrow) inference_session;
  if (!*session) return INFERENCE_RESOURCE_LIMIT;
  return guarded((*session)->error, [&]() -> Result<void> {
    if (!model || !model->model) return make_error(Code::bad_input, "no open model was given");
    (*session)->model = model->model;
    return open(**session, options);
  });
}

void inference_session_close(inference_session* session) { delete session; }

const char* inference_session_error(const inference_session* session) {
  return session ? session->error.text() : "no session was given";
}

inference_status inference_session_prepare(inference_session* session, inference_tensor* inputs, size_t count) {
  return with(session, [&]() -> Result<void> {
    ADZE_CHECK(check_count(*session, inputs, count, session->shapes.size(), "inputs"));
    ADZE_CHECK(reshape_to(*session, inputs));
    describe_inputs(*session, inputs);
    return {};
  });
}

inference_status inference_session_prepare_rows(inference_session* session, int64_t rows, inference_tensor* inputs,
                                                size_t count) {
  return with(session, [&]() -> Result<void> {
    ADZE_CHECK(check_count(*session, inputs, count, session->shapes.size(), "inputs"));
    ADZE_CHECK(rows_to_shapes(*session, rows));
    ADZE_CHECK(reshape(*session));
    describe_inputs(*session, inputs);
    return {};
  });
}

inference_status inference_session_run(inference_session* session, int64_t timeout_ns) {
  const inference_status ready = with(session, [&]() -> Result<void> {
    if (session->prepared && session->own_inputs) return {};
    return make_error(Code::bad_input, session->model->name(), ": run before the session was prepared");
  });
  return ready == INFERENCE_OK ? run(*session, timeout_ns) : ready;
}

inference_status inference_session_output(inference_session* session, size_t index, inference_tensor* output) {
  return with(session, [&]() -> Result<void> {
    const std::size_t outputs = session->model->outputs().size();
    if (!output || index >= outputs) {
      return make_error(Code::bad_input, session->model->name(), ": has ", outputs, " outputs, asked for ", index);
    }
    if (!session->ran) return make_error(Code::bad_input, session->model->name(), ": no run has succeeded");
    describe_output(*session, index, *output);
    return {};
  });
}

inference_status inference_session_infer(inference_session* session, const inference_tensor* inputs, size_t input_count,
                                         inference_tensor* outputs, size_t output_count, int64_t timeout_ns) {
  const inference_status ready = with(session, [&]() -> Result<void> {
    ADZE_CHECK(check_count(*session, inputs, input_count, session->shapes.size(), "inputs"));
    ADZE_CHECK(check_count(*session, outputs, output_count, session->model->outputs().size(), "outputs"));
    ADZE_CHECK(reshape_to(*session, inputs));
    for (std::size_t i = 0; i < input_count; i++) {
      ADZE_CHECK(check_data(*session, i, inputs[i]));
    }
    for (std::size_t i = 0; i < input_count; i++) {
      session->session->bind_input(static_cast<int>(i), static_cast<const std::byte*>(inputs[i].data));
    }
    return {};
  });
  if (ready != INFERENCE_OK) return ready;
  const inference_status status = run(*session, timeout_ns);
  if (status != INFERENCE_OK) return status;
  for (std::size_t i = 0; i < output_count; i++) describe_output(*session, i, outputs[i]);
  return INFERENCE_OK;
}

void inference_session_cancel(inference_session* session) {
  if (session) session->cancel.request();
}

void inference_session_uncancel(inference_session* session) {
  if (session) session->cancel.reset();
}

uint64_t inference_session_arena_bytes(const inference_session* session) {
  return session && session->prepared ? session->session->plan().arena_bytes() : 0;
}
