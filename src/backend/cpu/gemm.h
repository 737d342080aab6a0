// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "cadenza/backend.h"

// A way to multiply matrices: what a product takes and the functions that dense.h shares out over
// threads. Bits of an element depend on its own row of a, its own column of b and nothing else.

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

/// Rows of a table that sums may start from: `ids` [M] pick that of each row of a product, -1 the
/// row `of_none`; without ids it is the first for all.
struct StartRows {
  const float* table = nullptr;
  std::int64_t stride = 0;
  const std::int32_t* ids = nullptr;
  std::int64_t of_none = 0;

  const float* row(std::int64_t i) const {
    if (ids == nullptr) return table;
    return table + (ids[i] < 0 ? of_none : std::int64_t{ids[i]}) * stride;
  }
};

/// Where a product goes: c [M, N] with rows `stride` apart.
struct Output {
  float* data = nullptr;
  std::int64_t stride = 0;
  const float* bias = nullptr;  ///< [N], optional
  Accumulate accumulate = Accumulate::overwrite;
  StartRows starts = {};  ///< in place of what c holds, optional

  /// What the sums of a row start from before the bias; null: 0.
  const float* start(std::int64_t row) const {
    if (starts.table != nullptr) return starts.row(row);
    return accumulate == Accumulate::add ? data + row * stride : nullptr;
  }
  /// The rows from `row` on.
  Output from_row(std::int64_t row) const {
    Output rows = *this;
    rows.data += row * stride;
    if (starts.ids != nullptr) rows.starts.ids += row;
    return rows;
  }
  /// The columns from n on.
  Output from_column(std::int64_t n) const {
    Output columns = *this;
    columns.data += n;
    if (bias != nullptr) columns.bias += n;
    if (starts.table != nullptr) columns.starts.table += n;
    return columns;
  }
  /// The rows from `row` on, for the products from k on: all but the first go on from the sums of
  /// those before.
  Output part(std::int64_t row, std::int64_t k) const {
    if (k == 0) return from_row(row);
    return {data + row * stride, stride, nullptr, Accumulate::add};
  }
};

/// Columns of b are packed in panels of this many on the target in use, padded with zeros.
std::int64_t panel_width();

/// Packed and scratch memory is 64-byte aligned: the next multiple of that.
constexpr std::int64_t aligned_bytes(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

struct Gemm {
  /// Threads take rows of a by so many: fewer leave tiles half empty.
  std::int64_t tile_rows;
  /// b that is packed on the way is packed for each so many rows of a anew.
  std::int64_t row_block;
  /// Whether packing is more than a copy also where the rows of b are contiguous.
  bool encodes;
  /// Bytes of b [K, N] packed; the panels of its columns lie one after the other.
  std::int64_t (*packed_bytes)(std::int64_t depth, std::int64_t columns);
  void (*pack)(const Matrix& b, std::byte* packed);
  /// c = a * b (+ bias) (+ c) with b [K, columns] packed, for the rows `rows` of a and c.
  void (*multiply_packed)(const Matrix& a, const std::byte* packed, Range rows,
                          std::int64_t columns, const Output& c, std::byte* scratch);
  /// Its scratch: a multiple of 64, and at most a.rows times that of a single row, so that callers
  /// may lay out that of rows side by side.
  std::int64_t (*packed_scratch_bytes)(const Matrix& a);
  /// The part rows x columns of c = a * b (+ bias) (+ c), with b packed on the way. `columns`
  /// starts at a multiple of panel_width().
  void (*multiply)(const Matrix& a, const Matrix& b, Range rows, Range columns, const Output& c,
                   std::byte* scratch);
  /// Its scratch, a multiple of 64.
  std::int64_t (*scratch_bytes)(const Matrix& a);
};

}  // namespace cadenza::cpu
