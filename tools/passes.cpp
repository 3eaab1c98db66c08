#include "tools/passes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "graph/passes/pipeline.h"
#include "runtime/plan.h"
#include "tools/prepared.h"

namespace adze {
namespace {

Result<Prepared> run(const std::string& path, const std::vector<Tensor>& feeds, int threads,
                     const ModelOptions& options) {
  ADZE_TRY(auto model, Model::load(path, options));
  ADZE_TRY(Prepared prepared, prepare(std::move(model), feeds, threads));
  const CancelFlag cancel;
  ADZE_CHECK(prepared.session.run(cancel));
  return prepared;
}

// How far apart two elements may be: not at all, or by rounding in f32 or the output's own type, whichever is coarser.
template <class T>
double allowed(std::span<const T> raw, bool exact) {
  if (exact || std::is_integral_v<T>) return 0;
  double largest = 0;
  for (const T value : raw) {
    const double size = std::fabs(static_cast<double>(value));
    if (std::isfinite(size)) largest = std::max(largest, size);
  }
  const double ulp = std::is_same_v<T, Float16> ? 0x1p-10 : std::is_same_v<T, BFloat16> ? 0x1p-7 : 0;
  return std::max(kPassRounding, ulp) * largest;
}

template <class T>
bool agree(const T& raw, const T& optimised, double bound) {
  if (std::ranges::equal(std::as_bytes(std::span(&raw, 1)), std::as_bytes(std::span(&optimised, 1)))) return true;
  const auto a = static_cast<double>(raw), b = static_cast<double>(optimised);
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return bound > 0 && std::fabs(a - b) <= bound;
}

Result<void> compare(const Session& raw, const Session& optimised, int output) {
  const TensorInfo &want = raw.output_info(output), &got = optimised.output_info(output);
  if (want.type != got.type || !(want.shape == got.shape)) {
    return make_error(Code::mismatch, name_of(got.type), ' ', to_string(got.shape), " optimised, ", name_of(want.type),
                      ' ', to_string(want.shape), " raw");
  }
  return dispatch(want.type, [&](auto tag) -> Result<void> {
    using T = typename decltype(tag)::type;
    const std::span<const T> a{reinterpret_cast<const T*>(raw.output(output).data()),
                               static_cast<std::size_t>(want.elements())};
    const auto* b = reinterpret_cast<const T*>(optimised.output(output).data());
    const double bound = allowed(a, optimised.plan().exact());
    for (std::size_t i = 0; i < a.size(); i++) {
      if (agree(a[i], b[i], bound)) continue;
      return make_error(Code::mismatch, "element ", i, " is ", static_cast<double>(b[i]), " optimised, ",
                        static_cast<double>(a[i]), " raw, which may be ", bound, " apart");
    }
    return {};
  });
}

}  // namespace

Result<void> check_passes(const std::string& path, const std::vector<Tensor>& feeds, int threads,
                          ModelOptions options) {
  options.optimise = false;
  ADZE_TRY(const Prepared raw, run(path, feeds, threads, options));
  options.optimise = true;
  ADZE_TRY(const Prepared optimised, run(path, feeds, threads, options));
  for (std::size_t k = 0; k < raw.model->outputs().size(); k++) {
    auto same = compare(raw.session, optimised.session, static_cast<int>(k));
    if (!same) {
      return std::move(same).error().with_context(
          concat("passes: output \"", raw.model->value_name(raw.model->outputs()[k]), '"'));
    }
  }
  return {};
}

}  // namespace adze
