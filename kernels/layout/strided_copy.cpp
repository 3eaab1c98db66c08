#include "kernels/layout/strided_copy.h"

#include <algorithm>
#include <cstring>

namespace adze {
namespace {

// Rows and columns that are transposed together: both sides' lines stay in L1.
constexpr std::int64_t kTile = 32;

// rows x columns; the columns lie next to each other in dst, the rows in src.
template <class T>
void transpose_plane(const T* src, std::int64_t column_stride, T* dst, std::int64_t row_stride, std::int64_t rows,
                     std::int64_t columns) {
  for (std::int64_t r0 = 0; r0 < rows; r0 += kTile) {
    const std::int64_t r1 = std::min(r0 + kTile, rows);
    for (std::int64_t c0 = 0; c0 < columns; c0 += kTile) {
      const std::int64_t c1 = std::min(c0 + kTile, columns);
      for (std::int64_t r = r0; r < r1; r++) {
        for (std::int64_t c = c0; c < c1; c++) dst[r * row_stride + c] = src[r + c * column_stride];
      }
    }
  }
}

// memcpy, but short runs don't pay for a call.
template <class T>
void copy_run(const T* src, T* dst, std::int64_t count) {
  constexpr std::int64_t kPiece = 16 / sizeof(T), kShort = 32 * kPiece;
  if (count < kPiece || count > kShort) {
    std::memcpy(dst, src, static_cast<std::size_t>(count) * sizeof(T));
    return;
  }
  for (std::int64_t i = 0; i + kPiece <= count; i += kPiece) std::memcpy(dst + i, src + i, 16);
  std::memcpy(dst + count - kPiece, src + count - kPiece, 16);
}

template <class T>
void copy_plane(const StridedCopy& s, const T* src, T* dst) {
  const auto inner = static_cast<std::size_t>(s.rank - 1);
  const std::int64_t columns = s.dims[inner], src_column = s.src[inner], dst_column = s.dst[inner];
  const bool two = s.rank >= 2;
  const std::int64_t rows = two ? s.dims[inner - 1] : 1, src_row = two ? s.src[inner - 1] : 0,
                     dst_row = two ? s.dst[inner - 1] : 0;
  if (two && dst_column == 1 && src_row == 1 && src_column != 1) {
    transpose_plane(src, src_column, dst, dst_row, rows, columns);
    return;
  }
  for (std::int64_t r = 0; r < rows; r++, src += src_row, dst += dst_row) {
    if (src_column == 1 && dst_column == 1) {
      copy_run(src, dst, columns);
    } else {
      for (std::int64_t c = 0; c < columns; c++) dst[c * dst_column] = src[c * src_column];
    }
  }
}

template <class T>
void copy_as(const StridedCopy& s, const std::byte* src, std::byte* dst, Range planes) {
  if (planes.empty()) return;  // an axis may be empty
  std::array<std::int64_t, kMaxCopyAxes> index{};
  std::int64_t rest = planes.begin, from = 0, to = 0;
  for (int axis = s.rank - 3; axis >= 0; axis--) {
    const auto a = static_cast<std::size_t>(axis);
    index[a] = rest % s.dims[a];
    rest /= s.dims[a];
    from += index[a] * s.src[a];
    to += index[a] * s.dst[a];
  }
  for (std::int64_t p = planes.begin; p < planes.end; p++) {
    copy_plane(s, reinterpret_cast<const T*>(src) + from, reinterpret_cast<T*>(dst) + to);
    for (int axis = s.rank - 3; axis >= 0; axis--) {
      const auto a = static_cast<std::size_t>(axis);
      from += s.src[a];
      to += s.dst[a];
      if (++index[a] < s.dims[a]) break;
      from -= index[a] * s.src[a];
      to -= index[a] * s.dst[a];
      index[a] = 0;
    }
  }
}

}  // namespace

extern const std::span<const KernelInfo> kernels_layout;
constinit const std::span<const KernelInfo> kernels_layout{};

void StridedCopy::add_axis(std::int64_t dim, std::int64_t src_stride, std::int64_t dst_stride) {
  if (dim == 1 && rank > 0) return;
  const auto last = static_cast<std::size_t>(rank - 1);
  if (rank > 0 && dims[last] == 1) {
    rank--;
  } else if (rank > 0 && src[last] == src_stride * dim && dst[last] == dst_stride * dim) {
    dims[last] *= dim;
    src[last] = src_stride;
    dst[last] = dst_stride;
    return;
  }
  const auto next = static_cast<std::size_t>(rank++);
  dims[next] = dim;
  src[next] = src_stride;
  dst[next] = dst_stride;
}

std::int64_t StridedCopy::elements() const {
  std::int64_t product = 1;
  for (int axis = 0; axis < rank; axis++) product *= dims[static_cast<std::size_t>(axis)];
  return product;
}

std::int64_t StridedCopy::planes() const {
  if (elements() == 0) return 0;
  std::int64_t product = 1;
  for (int axis = 0; axis < rank - 2; axis++) product *= dims[static_cast<std::size_t>(axis)];
  return product;
}

void strided_copy(const StridedCopy& shape, std::size_t element_size, const std::byte* src, std::byte* dst,
                  Range planes) {
  switch (element_size) {
    case 1:
      return copy_as<std::uint8_t>(shape, src, dst, planes);
    case 2:
      return copy_as<std::uint16_t>(shape, src, dst, planes);
    case 4:
      return copy_as<std::uint32_t>(shape, src, dst, planes);
    default:
      return copy_as<std::uint64_t>(shape, src, dst, planes);
  }
}

}  // namespace adze
