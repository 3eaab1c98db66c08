#include "server/model/session_engine.h"

#include <algorithm>
#include <cstring>

#include "runtime/plan.h"

namespace adze::server {

SessionEngine::SessionEngine(std::vector<Stage> stages, std::vector<Source> outputs,
                             std::shared_ptr<SharedThreads> threads, bool batched)
    : stages_(std::move(stages)), outputs_(std::move(outputs)), threads_(std::move(threads)), batched_(batched) {
  for (const Stage& stage : stages_) sessions_.emplace_back(stage.model, threads_->pool());
}

Result<void> SessionEngine::run(std::span<const Part> parts, const CancelFlag& cancel) {
  Job::Times times;
  times.gathering = Clock::now();
  std::int64_t rows = 0;
  for (const Part& part : parts) {
    rows += part.rows;
    part.job->stage.store(Job::Stage::running, std::memory_order_relaxed);
  }
  for (std::size_t s = 0; s < stages_.size(); s++) {
    ADZE_CHECK(prepare(s, parts, rows));
    if (s == 0) times.running = Clock::now();
    Session& session = sessions_[s];
    const bool all = session.plan().parallel() || session.plan().rest();
    const auto turn = threads_->take(all);
    ADZE_CHECK(session.run(cancel));
  }
  times.scattering = Clock::now();
  for (std::size_t o = 0; o < outputs_.size(); o++) ADZE_CHECK(scatter(o, parts, rows));
  times.done = Clock::now();
  for (const Part& part : parts) {
    part.job->times = times;
    if (part.first + part.rows == part.job->rows) part.job->stage.store(Job::Stage::done, std::memory_order_relaxed);
  }
  return {};
}

std::size_t SessionEngine::arena_bytes() const {
  std::size_t bytes = 0;
  for (const Session& session : sessions_) bytes += session.plan().arena_bytes();
  return bytes;
}

// Where the file has a symbolic batch, an output that doesn't have it as its first dimension belongs to every job
// alike. Where it has none, every output was proved to consist of rows.
bool SessionEngine::splits(const Source& output, std::int64_t rows) const {
  if (!batched_) return false;
  const auto stage = static_cast<std::size_t>(output.stage);
  if (!stages_[stage].model->symbolic_batch()) return true;
  const Shape& whole = sessions_[stage].output_info(static_cast<int>(output.index)).shape;
  return whole.rank() > 0 && whole[0] == rows;
}

// Whether an earlier stage's output has a shape that the model's input i declares.
Result<void> SessionEngine::fits(const Model& model, std::size_t i, const Shape& shape) const {
  const Port& port = model.inputs()[i];
  if (!port.dims) return {};
  bool same = shape.rank() == static_cast<int>(port.dims->size());
  for (int d = batched_ ? 1 : 0; same && d < shape.rank(); d++) {
    const std::int64_t declared = (*port.dims)[static_cast<std::size_t>(d)].size;
    same = declared < 0 || declared == shape[d];
  }
  if (same) return {};
  return make_error(Code::bad_input, model.name(), ": input \"", model.value_name(port), "\" can't have the shape ",
                    to_string(shape), " that an earlier step gives");
}

Result<void> SessionEngine::prepare(std::size_t stage, std::span<const Part> parts, std::int64_t rows) {
  const std::vector<Source>& sources = stages_[stage].inputs;
  shapes_.clear();
  for (const Source& source : sources) {
    if (source.stage >= 0) {
      if (batched_ && !splits(source, rows)) {
        const Model& model = *stages_[static_cast<std::size_t>(source.stage)].model;
        return make_error(Code::unsupported, "output \"", model.value_name(model.outputs()[source.index]), "\" of ",
                          model.name(), " doesn't consist of rows, so no other model can take it for a batch");
      }
      const Shape& shape =
          sessions_[static_cast<std::size_t>(source.stage)].output_info(static_cast<int>(source.index)).shape;
      ADZE_CHECK(fits(*stages_[stage].model, shapes_.size(), shape));
      shapes_.push_back(shape);
      continue;
    }
    Shape shape;
    if (batched_) shape.push_back(rows);
    for (const std::int64_t dim : parts[0].job->row_shapes[source.index]) shape.push_back(dim);
    shapes_.push_back(shape);
  }
  Session& session = sessions_[stage];
  ADZE_CHECK(session.reshape(shapes_));
  for (std::size_t i = 0; i < sources.size(); i++) {
    const Source& source = sources[i];
    if (source.stage >= 0) {
      session.bind_input(
          static_cast<int>(i),
          sessions_[static_cast<std::size_t>(source.stage)].output(static_cast<int>(source.index)).data());
      continue;
    }
    std::byte* to = session.input(static_cast<int>(i)).data();
    for (const Part& part : parts) {
      const auto& input = part.job->inputs[source.index];
      const std::size_t row = input.size() / static_cast<std::size_t>(part.job->rows);
      const std::size_t size = row * static_cast<std::size_t>(part.rows);
      std::memcpy(to, input.data() + row * static_cast<std::size_t>(part.first), size);
      to += size;
    }
  }
  return {};
}

Result<void> SessionEngine::scatter(std::size_t o, std::span<const Part> parts, std::int64_t rows) {
  const Source& source = outputs_[o];
  const Session& session = sessions_[static_cast<std::size_t>(source.stage)];
  const auto bytes = session.output(static_cast<int>(source.index));
  const Shape& whole = session.output_info(static_cast<int>(source.index)).shape;
  const bool split = splits(source, rows);
  const std::size_t row = split ? bytes.size() / static_cast<std::size_t>(rows) : 0;
  const std::byte* from = bytes.data();
  for (const Part& part : parts) {
    Job& job = *part.job;
    if (part.first == 0) {
      Shape shape = whole;
      if (split) shape[0] = whole[0] / rows * job.rows;
      job.output_shapes.push_back(shape);
      job.outputs.emplace_back(split ? row * static_cast<std::size_t>(job.rows) : bytes.size());
    }
    auto& output = job.outputs[o];
    const std::size_t at = row * static_cast<std::size_t>(part.first);
    const std::size_t size = split ? row * static_cast<std::size_t>(part.rows) : bytes.size();
    if (at + size > output.size() || (!split && size != output.size())) {
      const Model& model = *stages_[static_cast<std::size_t>(source.stage)].model;
      return make_error(Code::bad_input, "output \"", model.value_name(model.outputs()[source.index]),
                        "\" has no fixed size per row: ask for at most a batch of rows");
    }
    std::copy_n(from, size, output.data() + at);
    if (split) from += size;
  }
  return {};
}

}  // namespace adze::server
