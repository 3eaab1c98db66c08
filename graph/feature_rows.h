// Rows of features: how the operators of ai.onnx.ml see their input, [n, columns] or a single row [columns].
#pragma once

#include <algorithm>

#include "graph/op.h"

namespace adze {

// The types that these operators take.
constexpr TypeMask kFeatureTypes = types(DType::f32, DType::f64, DType::i32, DType::i64);

// Calls f(TypeTag<T>{}) with the C++ type of one of kFeatureTypes.
template <class F>
decltype(auto) dispatch_feature(DType type, F&& f) {
  switch (type) {
    case DType::f64:
      return f(TypeTag<double>{});
    case DType::i32:
      return f(TypeTag<std::int32_t>{});
    case DType::i64:
      return f(TypeTag<std::int64_t>{});
    default:
      return f(TypeTag<float>{});
  }
}

struct FeatureRows {
  DType type = DType::undefined;
  std::int64_t rows = 0, columns = 0;

  // Row i in T: where it lies, or converted into `buffer`, which holds a row.
  template <class T>
  const T* row(const Call& call, std::int64_t i, T* buffer) const {
    if (type == dtype_of<T>) return call.in<T>() + i * columns;
    const auto convert = [&]<class From>(TypeTag<From>) {
      const From* src = call.in<From>() + i * columns;
      for (std::int64_t c = 0; c < columns; c++) buffer[c] = static_cast<T>(src[c]);
    };
    type == DType::f16 ? convert(TypeTag<Float16>{}) : dispatch_feature(type, convert);
    return buffer;
  }
};

// Rows of a matrix, or the one row that a vector is. REQUIRES: `input` has one of kFeatureTypes or is f16.
inline Result<FeatureRows> feature_rows(const TensorInfo& input) {
  const Shape& shape = input.shape;
  if (shape.rank() != 1 && shape.rank() != 2) {
    return make_error(Code::invalid_model, "the input must be rows of features, not ", to_string(shape));
  }
  return FeatureRows{input.type, shape.rank() == 1 ? 1 : shape[0], shape.back()};
}

// The same for any rank: the columns are the last axis.
inline FeatureRows last_axis_rows(const TensorInfo& input) {
  const std::int64_t columns = input.shape.rank() ? input.shape.back() : 1;
  return {input.type, columns ? input.elements() / columns : 0, columns};
}

// An attribute's list with one value per column, or with one for all.
template <class T>
Result<std::vector<T>> per_column(std::string_view name, std::vector<T> values, std::int64_t columns) {
  if (values.size() == 1 && columns > 0) values.resize(static_cast<std::size_t>(columns), values[0]);
  if (static_cast<std::int64_t>(values.size()) != columns && columns > 0) {
    return make_error(Code::invalid_model, name, " has ", values.size(), " entries for ", columns, " columns");
  }
  return values;
}

// How many threads find work, at that cost per row in elementary operations.
inline int row_parts(std::int64_t rows, std::int64_t cost) {
  constexpr std::int64_t kWorthwhile = 4096;
  const std::int64_t grain = std::max<std::int64_t>(1, kWorthwhile / std::max<std::int64_t>(1, cost));
  return static_cast<int>(std::clamp<std::int64_t>(rows / grain, 1, 256));
}

inline Step by_rows(Step step, const FeatureRows& rows) {
  step.max_parts = row_parts(rows.rows, rows.columns);
  return step;
}

// Weights times a row, in double: eight partial sums, folded in a fixed order.
inline double dot(const float* weights, const double* row, std::int64_t n) {
  double sums[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int j = 0; j < 8; j++) sums[j] += static_cast<double>(weights[i + j]) * row[i + j];
  }
  for (int j = 0; i < n; i++, j++) sums[j] += static_cast<double>(weights[i]) * row[i];
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

}  // namespace adze
