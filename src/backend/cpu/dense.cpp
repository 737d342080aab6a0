// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/dense.h"

#include <algorithm>

#include "backend/cpu/cpu_backend.h"

namespace cadenza {
namespace cpu {
namespace {

// Fewer rows leave tiles half empty.
constexpr std::int64_t kTileRows = 12;

}  // namespace

void multiply(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c) {
  const Scratch::Frame frame(workers.scratch);
  const std::int64_t width = panel_width();
  const std::int64_t row_grain = worth_a_thread(b.columns * a.columns, kTileRows);
  // Columns of b that have to be turned are packed once for all blocks of rows.
  if (b.row_stride == 1 && a.rows > kRowBlock) {
    float* const packed = frame.floats(packed_size(b.rows, b.columns));
    pack(workers, b, packed);
    const std::int64_t each = packed_scratch_size(a);
    float* const scratch = frame.floats(each * workers.pool.size());
    workers.pool.parallel_for(
        a.rows, row_grain, [&](std::int64_t begin, std::int64_t end, int part) {
          multiply_packed(a, packed, {begin, end}, b.columns, c, scratch + part * each);
        });
    return;
  }
  const std::int64_t each = fixed_scratch_size(a);
  float* const scratch = frame.floats(each * workers.pool.size());
  // Split where there are more pieces to share out; a split of the rows packs b in every thread.
  if (a.rows / kTileRows > 2 * b.columns / width) {
    workers.pool.parallel_for(
        a.rows, row_grain, [&](std::int64_t begin, std::int64_t end, int part) {
          multiply_fixed(a, b, {begin, end}, {0, b.columns}, c, scratch + part * each);
        });
  } else {
    const std::int64_t grain = worth_a_thread(a.rows * a.columns, width);
    workers.pool.parallel_for(
        b.columns, grain, [&](std::int64_t begin, std::int64_t end, int part) {
          multiply_fixed(a, b, {0, a.rows}, {begin, end}, c, scratch + part * each);
        });
  }
}

void pack(const Workers& workers, const Matrix& b, float* packed) {
  workers.pool.parallel_for(
      b.columns, worth_a_thread(8 * b.rows, panel_width()),
      [&](std::int64_t begin, std::int64_t end, int) {
        const Matrix columns{b.at(0, begin), b.rows, end - begin, b.row_stride, b.column_stride};
        pack_panels(columns, packed + begin * b.rows);
      });
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
  cpu::multiply({pool_, scratch_}, matrix_of(args.a, args.transpose_a),
                matrix_of(args.b, args.transpose_b),
                {args.c.as<float>(), args.c.shape[1], args.bias.as<float>(), args.accumulate});
}

void CpuBackend::do_add_column_sums(const TensorView& x, const TensorView& y) {
  cpu::add_column_sums({pool_, scratch_}, matrix_of(x, Transpose::no), y.as<float>());
}

}  // namespace cadenza
