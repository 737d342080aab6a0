// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/dense.h"

#include <algorithm>

#include "backend/cpu/cpu_backend.h"

namespace cadenza {
namespace cpu {
namespace {

/// Columns are shared out by whole panels.
void pack(const Workers& workers, const Matrix& b, std::byte* packed) {
  const std::int64_t panel_bytes = workers.gemm.packed_bytes(b.rows, 1);
  const std::int64_t width = panel_width();
  workers.pool.parallel_for(
      b.columns, worth_a_thread(8 * b.rows, width), [&](std::int64_t begin, std::int64_t end, int) {
        const Matrix columns{b.at(0, begin), b.rows, end - begin, b.row_stride, b.column_stride};
        workers.gemm.pack(columns, packed + begin / width * panel_bytes);
      });
}

/// Calls body(rows, columns, part) for the parts of a product that threads take.
template <class Body>
void share_out(const Workers& workers, const Matrix& a, std::int64_t columns, bool by_rows,
               const Body& body) {
  if (by_rows) {
    workers.pool.parallel_for(a.rows, worth_a_thread(columns * a.columns, workers.gemm.tile_rows),
                              [&](std::int64_t begin, std::int64_t end, int part) {
                                body({begin, end}, {0, columns}, part);
                              });
  } else {
    workers.pool.parallel_for(columns, worth_a_thread(a.rows * a.columns, panel_width()),
                              [&](std::int64_t begin, std::int64_t end, int part) {
                                body({0, a.rows}, {begin, end}, part);
                              });
  }
}

void multiply_packed(const Workers& workers, const Product& product, const std::byte* packed,
                     std::int64_t columns) {
  const Matrix& a = product.a;
  const Gemm& gemm = workers.gemm;
  const Scratch::Frame frame(workers.scratch);
  const std::int64_t panel_bytes = gemm.packed_bytes(a.columns, 1);
  const std::int64_t each = gemm.packed_scratch_bytes(a);
  auto* const scratch = frame.take<std::byte>(each * workers.pool.size());
  // Every thread that takes all rows turns or encodes them all.
  const bool by_rows = a.rows / gemm.tile_rows >= 2 * workers.pool.size();
  share_out(workers, a, columns, by_rows, [&](Range rows, Range of_columns, int part) {
    gemm.multiply_packed(a, packed + of_columns.begin / panel_width() * panel_bytes, rows,
                         of_columns.end - of_columns.begin, product.c.from_column(of_columns.begin),
                         scratch + part * each);
  });
}

/// b is packed on the way, by every thread that needs it.
void multiply_unpacked(const Workers& workers, const Product& product, const Matrix& b) {
  const Matrix& a = product.a;
  const Gemm& gemm = workers.gemm;
  const Scratch::Frame frame(workers.scratch);
  const std::int64_t each = gemm.scratch_bytes(a);
  auto* const scratch = frame.take<std::byte>(each * workers.pool.size());
  // Split where there are more pieces to share out; a split of the rows packs b in every thread.
  const bool by_rows = a.rows / gemm.tile_rows > 2 * b.columns / panel_width();
  share_out(workers, a, b.columns, by_rows, [&](Range rows, Range columns, int part) {
    gemm.multiply(a, b, rows, columns, product.c, scratch + part * each);
  });
}

}  // namespace

void multiply(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c) {
  const Product product{a, c};
  multiply(workers, {&product, 1}, b);
}

void multiply(const Workers& workers, std::span<const Product> products, const Matrix& b) {
  const Gemm& gemm = workers.gemm;
  std::int64_t rows = 0;
  for (const Product& product : products) rows += product.a.rows;
  // Columns of b that have to be turned or encoded are packed once for all blocks of rows.
  if (rows <= gemm.row_block || (b.row_stride != 1 && !gemm.encodes)) {
    for (const Product& product : products) multiply_unpacked(workers, product, b);
    return;
  }
  const Scratch::Frame frame(workers.scratch);
  auto* const packed = frame.take<std::byte>(gemm.packed_bytes(b.rows, b.columns));
  pack(workers, b, packed);
  for (const Product& product : products) multiply_packed(workers, product, packed, b.columns);
}

PackedFactor::PackedFactor(const Workers& workers, const Scratch::Frame& frame, const Matrix& b,
                           std::int64_t rows)
    : gemm_(workers.gemm),
      columns_(b.columns),
      row_scratch_(gemm_.packed_scratch_bytes({nullptr, 1, b.rows, b.rows, 1})),
      packed_(frame.take<std::byte>(gemm_.packed_bytes(b.rows, b.columns))),
      scratch_(frame.take<std::byte>(rows * row_scratch_)) {
  pack(workers, b, packed_);
}

void PackedFactor::multiply(const Matrix& a, std::int64_t first, const Output& c) const {
  gemm_.multiply_packed(a, packed_, {0, a.rows}, columns_, c, scratch_ + first * row_scratch_);
}

void add_column_sums(const Workers& workers, const Matrix& x, float* y) {
  constexpr std::int64_t kRows = 64;  // summed on their own first, which keeps rounding small
  constexpr std::int64_t kColumns = 256;
  const auto add = [&](Range columns) {
    const std::int64_t count = columns.end - columns.begin;
    float total[kColumns] = {};
    for (std::int64_t row = 0; row < x.rows; row += kRows) {
      float sum[kColumns] = {};
      for (std::int64_t i = row; i < std::min(x.rows, row + kRows); ++i) {
        add_multiple(1.0F, x.at(i, columns.begin), sum, count);
      }
      add_multiple(1.0F, sum, total, count);
    }
    add_multiple(1.0F, total, y + columns.begin, count);
  };
  workers.pool.parallel_for(x.columns, worth_a_thread(8 * x.rows, 64),
                            [&](std::int64_t begin, std::int64_t end, int) {
                              for (; begin < end; begin += kColumns)
                                add({begin, std::min(end, begin + kColumns)});
                            });
}

void add_transposed(const Matrix& x, float* to, std::int64_t stride) {
  constexpr std::int64_t kColumns = 16;  // a line of the cache
  constexpr std::int64_t kRows = 256;
  alignas(64) float turned[kColumns * kRows];
  for (std::int64_t column = 0; column < x.columns; column += kColumns) {
    const std::int64_t columns = std::min(kColumns, x.columns - column);
    for (std::int64_t row = 0; row < x.rows; row += kRows) {
      const std::int64_t rows = std::min(kRows, x.rows - row);
      transpose(x.at(row, column), x.row_stride, rows, columns, turned, kRows);
      for (std::int64_t i = 0; i < columns; ++i) {
        add_multiple(1.0F, turned + i * kRows, to + (column + i) * stride + row, rows);
      }
    }
  }
}

void add_transposed(const Workers& workers, const Matrix& x, float* to) {
  workers.pool.parallel_for(x.columns, worth_a_thread(8 * x.rows, 16),
                            [&](std::int64_t begin, std::int64_t end, int) {
                              add_transposed({x.at(0, begin), x.rows, end - begin, x.row_stride, 1},
                                             to + begin * x.rows, x.rows);
                            });
}

}  // namespace cpu

namespace {

cpu::Matrix matrix_of(const TensorView& view, Transpose transpose) {
  const float* const data = view.as<float>();
  const std::int64_t rows = view.shape[0];
  const std::int64_t columns = view.shape[1];
  if (transpose == Transpose::no) return {data, rows, columns, columns, 1};
  return {data, columns, rows, 1, columns};
}

}  // namespace

void CpuBackend::do_matmul(const MatmulArgs& args) {
  cpu::multiply(workers(), matrix_of(args.a, args.transpose_a), matrix_of(args.b, args.transpose_b),
                {args.c.as<float>(), args.c.shape[1], args.bias.as<float>(), args.accumulate});
}

void CpuBackend::do_add_column_sums(const TensorView& x, const TensorView& y) {
  cpu::add_column_sums(workers(), matrix_of(x, Transpose::no), y.as<float>());
}

}  // namespace cadenza
