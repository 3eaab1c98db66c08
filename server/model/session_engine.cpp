#include "server/model/session_engine.h"

#include <algorithm>
#include <cstring>

#include "runtime/thread_pool.h"

namespace adze::server {

SessionEngine::SessionEngine(std::shared_ptr<const Model> model, int threads, bool batched)
    : model_(model),
      batched_(batched),
      proved_(batched && !model->symbolic_batch()),
      session_(std::move(model), std::make_shared<ThreadPool>(threads)) {}

Result<void> SessionEngine::run(std::span<const Part> parts, const CancelFlag& cancel) {
  std::int64_t rows = 0;
  for (const Part& part : parts) rows += part.rows;
  shapes_.clear();
  for (const Shape& row : parts[0].job->row_shapes) {
    Shape shape;
    if (batched_) shape.push_back(rows);
    for (const std::int64_t dim : row) shape.push_back(dim);
    shapes_.push_back(shape);
  }
  ADZE_CHECK(session_.reshape(shapes_));
  for (std::size_t i = 0; i < shapes_.size(); i++) {
    std::byte* to = session_.input(static_cast<int>(i)).data();
    for (const Part& part : parts) {
      const auto& input = part.job->inputs[i];
      const std::size_t row = input.size() / static_cast<std::size_t>(part.job->rows);
      const std::size_t size = row * static_cast<std::size_t>(part.rows);
      std::memcpy(to, input.data() + row * static_cast<std::size_t>(part.first), size);
      to += size;
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
      auto& output = job.outputs[static_cast<std::size_t>(o)];
      const std::size_t at = row * static_cast<std::size_t>(part.first);
      const std::size_t size = split ? row * static_cast<std::size_t>(part.rows) : bytes.size();
      if (at + size > output.size() || (!split && size != output.size())) {
        return make_error(Code::bad_input, "output \"",
                          model_->value_name(model_->outputs()[static_cast<std::size_t>(o)]),
                          "\" has no fixed size per row: ask for at most a batch of rows");
      }
      std::copy_n(from, size, output.data() + at);
      if (split) from += size;
    }
  }
  return {};
}

}  // namespace adze::server
