#include "graph/onnx/sparse_tensor.h"

#include <algorithm>

#include "graph/onnx/tensor_proto.h"

namespace adze {
namespace {

Result<Shape> shape_of(const onnx::SparseTensorProto& proto) {
  if (proto.dims_size() > kMaxRank) {
    return make_error(Code::unsupported, "rank ", proto.dims_size(), " is above the limit of ", kMaxRank);
  }
  Shape shape;
  for (const std::int64_t dim : proto.dims()) shape.push_back(dim);
  if (!shape.checked_elements()) return make_error(Code::invalid_model, "shape ", to_string(shape), " is no shape");
  return shape;
}

// Row-major places of the values: given as such, or as one coordinate per axis.
Result<std::vector<std::int64_t>> places_of(const Tensor& indices, const Shape& shape, std::int64_t count) {
  const bool linear = indices.shape() == Shape{count};
  if (indices.type() != DType::i64 || (!linear && indices.shape() != Shape{count, shape.rank()})) {
    return make_error(Code::invalid_model, "indices of shape ", to_string(indices.shape()), " don't fit ", count,
                      " values of a tensor of rank ", shape.rank());
  }
  const auto given = indices.as<std::int64_t>();
  const auto width = linear ? std::size_t{1} : static_cast<std::size_t>(shape.rank());
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); i++) {
    std::int64_t place = 0;
    for (std::size_t axis = 0; axis < width; axis++) {
      const std::int64_t size = linear ? shape.elements() : shape[static_cast<int>(axis)];
      const std::int64_t at = given[i * width + axis];
      if (at < 0 || at >= size) return make_error(Code::invalid_model, "index ", at, " is outside of ", size);
      place = place * size + at;
    }
    if (!places.empty() && place <= places.back()) {
      return make_error(Code::invalid_model, "indices are not in ascending order");
    }
    places.push_back(place);
  }
  return places;
}

}  // namespace

Result<Tensor> to_dense(onnx::SparseTensorProto& proto, const TensorFiles& files, std::size_t& budget) {
  ADZE_TRY(const Shape shape, shape_of(proto));
  ADZE_TRY(const Tensor values, to_resident_tensor(*proto.mutable_values(), files));
  ADZE_TRY(const Tensor indices, to_resident_tensor(*proto.mutable_indices(), files));
  if (values.shape().rank() != 1) return make_error(Code::invalid_model, "its values are not a list");
  ADZE_TRY(const auto places, places_of(indices, shape, values.elements()));
  const std::size_t size = size_of(values.type());
  const auto bytes = byte_size(shape, size);
  if (!bytes || *bytes > budget) {
    return make_error(Code::resource_limit, "the dense form of shape ", to_string(shape), " exceeds the ", budget,
                      " bytes that sparse tensors may take");
  }
  budget -= *bytes;
  auto dense = Tensor::allocate(values.type(), shape);
  for (std::size_t i = 0; i < places.size(); i++) {
    std::copy_n(values.raw() + i * size, size, dense.bytes.data() + static_cast<std::size_t>(places[i]) * size);
  }
  return dense.tensor;
}

}  // namespace adze
