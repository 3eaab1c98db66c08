#include "tools/bytes.h"

#include <algorithm>

#include "tools/feeds.h"
#include "tools/prepared.h"

namespace adze {
namespace {

constexpr std::int64_t kRows = 3;
constexpr int kThreads[] = {1, 2, 5};
constexpr Isa kSets[] = {Isa::avx512, Isa::avx2, Isa::portable};

struct Output {
  TensorInfo info;
  std::vector<std::byte> bytes;
};

Result<std::vector<Output>> run(const std::shared_ptr<const Model>& model, const std::vector<Tensor>& feeds,
                                int threads) {
  ADZE_TRY(Prepared prepared, prepare(model, feeds, threads));
  const CancelFlag cancel;
  ADZE_CHECK(prepared.session.run(cancel));
  std::vector<Output> outputs;
  for (int k = 0; k < static_cast<int>(model->outputs().size()); k++) {
    const auto bytes = prepared.session.output(k);
    outputs.push_back({prepared.session.output_info(k), {bytes.begin(), bytes.end()}});
  }
  return outputs;
}

Result<void> compare(std::span<const std::byte> want, std::span<const std::byte> got) {
  if (want.size() != got.size()) return make_error(Code::mismatch, "has ", got.size(), " bytes, not ", want.size());
  const auto [a, b] = std::ranges::mismatch(want, got);
  if (a == want.end()) return {};
  return make_error(Code::mismatch, "byte ", a - want.begin(), " of ", want.size(), " differs");
}

std::string name_output(const Model& model, std::size_t k) {
  return concat("bytes: output \"", model.value_name(model.outputs()[k]), '"');
}

Result<void> same(const Model& model, const std::vector<Output>& want, const std::vector<Output>& got,
                  const std::string& how) {
  for (std::size_t k = 0; k < want.size(); k++) {
    auto equal = compare(want[k].bytes, got[k].bytes);
    if (!equal) return std::move(equal).error().with_context(concat(name_output(model, k), ' ', how));
  }
  return {};
}

// The rows that the feeds hold, or 0 where they aren't a batch.
std::int64_t rows_of(const Model& model, const std::vector<Tensor>& feeds) {
  if (feeds.empty() || !model.symbolic_batch()) return 0;
  const std::int64_t rows = feeds[0].shape()[0];
  const auto as_many = [&](const Tensor& feed) { return feed.shape()[0] == rows; };
  return rows > 1 && std::ranges::all_of(feeds, as_many) ? rows : 0;
}

Tensor row_of(const Tensor& batch, std::int64_t row) {
  Shape shape = batch.shape();
  shape[0] = 1;
  auto made = Tensor::allocate(batch.type(), shape);
  std::copy_n(batch.raw() + static_cast<std::size_t>(row) * made.bytes.size(), made.bytes.size(), made.bytes.begin());
  return made.tensor;
}

// The rows compared. An output without a row per row of the inputs says nothing about them, and is left out.
Result<std::int64_t> check_rows(const std::shared_ptr<const Model>& model, const std::vector<Tensor>& feeds,
                                const std::vector<Output>& batch, std::int64_t rows) {
  const auto has_rows = [&](const Output& output) {
    return output.info.shape.rank() > 0 && output.info.shape[0] == rows;
  };
  if (std::ranges::none_of(batch, has_rows)) return std::int64_t{0};
  for (std::int64_t row = 0; row < rows; row++) {
    std::vector<Tensor> alone;
    for (const Tensor& feed : feeds) alone.push_back(row_of(feed, row));
    ADZE_TRY(const auto got, run(model, alone, 1));
    for (std::size_t k = 0; k < batch.size(); k++) {
      if (!has_rows(batch[k])) continue;
      const std::size_t size = batch[k].bytes.size() / static_cast<std::size_t>(rows);
      auto equal = compare(std::span(batch[k].bytes).subspan(static_cast<std::size_t>(row) * size, size), got[k].bytes);
      if (!equal)
        return std::move(equal).error().with_context(concat(name_output(*model, k), " of row ", row, " alone"));
    }
  }
  return rows;
}

}  // namespace

Result<std::vector<Tensor>> batch_feeds(const Model& model) {
  FeedOptions filled;
  filled.fill = "random:1";
  if (model.symbolic_batch()) {
    ADZE_TRY(const auto shapes, model.default_shapes(kRows));
    for (std::size_t i = 0; i < shapes.size(); i++)
      filled.shapes.push_back(concat(model.value_name(model.inputs()[i]), '=', to_string(shapes[i])));
  }
  return make_feeds(model, filled);
}

Result<std::string> check_bytes(const std::string& path, const std::vector<Tensor>& feeds, ModelOptions options) {
  const Isa best = options.isa;
  ModelOptions untuned = options;
  untuned.tuner = nullptr;
  ADZE_TRY(const auto model, Model::load(path, untuned));
  ADZE_TRY(const auto want, run(model, feeds, 1));
  int runs = 0;
  for (const Isa isa : kSets) {
    if (isa > best || (isa == Isa::portable && best != isa)) continue;
    options.isa = isa;
    ADZE_TRY(const auto same_model, Model::load(path, options));
    for (const int threads : kThreads) {
      ADZE_TRY(const auto got, run(same_model, feeds, threads));
      ADZE_CHECK(same(*model, want, got, concat("on ", threads, " threads with ", isa_name(isa))));
      runs++;
    }
  }
  ADZE_TRY(const std::int64_t rows, check_rows(model, feeds, want, rows_of(*model, feeds)));
  return concat("the same bytes from ", runs, " runs and ", rows, " rows alone");
}

}  // namespace adze
