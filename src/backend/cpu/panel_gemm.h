// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "cadenza/backend.h"

// Matrix products with one order of summation. Each element of c [M, N] starts at its first value
// (0 or what c holds, plus bias) and takes the K products one after the other, k ascending, each by
// one fused multiply-add. So its bits depend on its own row of a, its own column of b and nothing
// else: not on M, N, threads, blocking or instruction set.

namespace cadenza::cpu {

/// A matrix in memory: element (i, j) at data[i * row_stride + j * column_stride]; one of the
/// strides is 1.
struct Matrix {
  const float* data = nullptr;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0, column_stride = 1;

  const float* at(std::int64_t i, std::int64_t j) const {
    return data + i * row_stride + j * column_stride;
  }
};

struct Range {
  std::int64_t begin = 0, end = 0;
};

/// Where a product goes: c [M, N] with rows `stride` apart.
struct Output {
  float* data = nullptr;
  std::int64_t stride = 0;
  const float* bias = nullptr;  ///< [N], optional
  Accumulate accumulate = Accumulate::overwrite;

  /// The rows from `row` on, for the products from k on: all but the first go on from the sums of
  /// those before.
  Output part(std::int64_t row, std::int64_t k) const {
    float* const rows = data + row * stride;
    return k == 0 ? Output{rows, stride, bias, accumulate}
                  : Output{rows, stride, nullptr, Accumulate::add};
  }
  /// The columns from n on.
  Output from_column(std::int64_t n) const {
    return {data + n, stride, bias == nullptr ? nullptr : bias + n, accumulate};
  }
};

/// The instruction set in use, for people: "AVX2", "AVX3" (AVX-512), "NEON".
std::string_view instruction_set();
/// Rows of a are multiplied so many at a time: whole tiles on every target. b that is packed on the
/// way is packed for each such block anew.
inline constexpr std::int64_t kRowBlock = 360;
/// Columns of b are packed in panels of this many: [ceil(N / width)][K][width], zero-padded.
std::int64_t panel_width();
/// Floats of b [K, N] packed.
std::int64_t packed_size(std::int64_t depth, std::int64_t columns);
/// Packs the columns of b into `packed` (64-byte aligned).
void pack_panels(const Matrix& b, float* packed);
/// c = a * b (+ bias) (+ c) with b [K, columns] packed, for the rows `rows` of a and c. `scratch`:
/// packed_scratch_size() floats.
void multiply_packed(const Matrix& a, const float* packed, Range rows, std::int64_t columns,
                     const Output& c, float* scratch);
/// 0 where the rows of `a` are contiguous.
std::int64_t packed_scratch_size(const Matrix& a);
/// The part rows x columns of c = a * b (+ bias) (+ c), with b packed on the way into `scratch`,
/// fixed_scratch_size() floats, 64-byte aligned. `columns` starts at a multiple of panel_width().
void multiply_fixed(const Matrix& a, const Matrix& b, Range rows, Range columns, const Output& c,
                    float* scratch);
std::int64_t fixed_scratch_size(const Matrix& a);
/// to[j * to_stride + i] = from[i * from_stride + j] for rows x columns elements.
void transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
               float* to, std::int64_t to_stride);

}  // namespace cadenza::cpu
