#include "server/model/session_engine.h"

#include <cstring>

#include "runtime/thread_pool.h"

namespace adze::server {

SessionEngine::SessionEngine(std::shared_ptr<const Model> model, int threads, bool batched)
    : model_(model),
      batched_(batched),
      proved_(batched && !model->symbolic_batch()),
      session_(std::move(model), std::make_shared<ThreadPool>(threads)) {}

Result<void> SessionEngine::run(std::span<const JobPtr> jobs, const CancelFlag& cancel) {
  std::int64_t rows = 0;
  for (const JobPtr& job : jobs) rows += job->rows;
  shapes_.clear();
  for (const Shape& row : jobs[0]->row_shapes) {
    Shape shape;
    if (batched_) shape.push_back(rows);
    for (const std::int64_t dim : row) shape.push_back(dim);
    shapes_.push_back(shape);
  }
  ADZE_CHECK(session_.reshape(shapes_));
  for (std::size_t i = 0; i < shapes_.size(); i++) {
    std::byte* to = session_.input(static_cast<int>(i)).data();
    for (const JobPtr& job : jobs) {
      std::memcpy(to, job->inputs[i].data(), job->inputs[i].size());
      to += job->inputs[i].size();
    }
  }
  ADZE_CHECK(session_.run(cancel));
  const auto outputs = static_cast<int>(model_->outputs().size());
  for (int o = 0; o < outputs; o++) {
    const auto bytes = session_.output(o);
    const Shape& whole = session_.output_info(o).shape;
    // Where the file has a symbolic batch, an output that doesn't have it as its first dimension belongs to every job
    // alike. Where it has none, every output was proved to consist of rows.
    const bool split = proved_ || (batched_ && whole.rank() > 0 && whole[0] == rows);
    std::size_t offset = 0;
    for (const JobPtr& job : jobs) {
      Shape shape = whole;
      std::size_t size = bytes.size();
      if (split) {
        shape[0] = whole[0] / rows * job->rows;
        size = bytes.size() / static_cast<std::size_t>(rows) * static_cast<std::size_t>(job->rows);
      }
      job->outputs.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                                bytes.begin() + static_cast<std::ptrdiff_t>(offset + size));
      job->output_shapes.push_back(shape);
      if (split) offset += size;
    }
  }
  return {};
}

}  // namespace adze::server
