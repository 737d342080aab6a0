// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/dense.h"

#include <algorithm>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/int24_gemm.h"

namespace cadenza {
namespace cpu {
namespace {

/// panel_gemm.h
struct InFloats {
  // Fewer rows leave tiles half empty.
  static constexpr std::int64_t kTileRows = 12;
  static constexpr std::int64_t kBlock = kRowBlock;

  static std::int64_t packed_bytes(std::int64_t depth, std::int64_t columns) {
    return packed_size(depth, columns) * std::int64_t{sizeof(float)};
  }
  static void pack(const Matrix& b, std::byte* packed) {
    pack_panels(b, reinterpret_cast<float*>(packed));
  }
  static std::int64_t packed_scratch_bytes(const Matrix& a) {
    return packed_scratch_size(a) * std::int64_t{sizeof(float)};
  }
  static void multiply_packed(const Matrix& a, const std::byte* packed, Range rows,
                              std::int64_t columns, const Output& c, std::byte* scratch) {
    cpu::multiply_packed(a, reinterpret_cast<const float*>(packed), rows, columns, c,
                         reinterpret_cast<float*>(scratch));
  }
  static std::int64_t scratch_bytes(const Matrix& a) {
    return fixed_scratch_size(a) * std::int64_t{sizeof(float)};
  }
  static void multiply(const Matrix& a, const Matrix& b, Range rows, Range columns, const Output& c,
                       std::byte* scratch) {
    multiply_fixed(a, b, rows, columns, c, reinterpret_cast<float*>(scratch));
  }
};

/// int24_gemm.h
struct InInt24 {
  static constexpr std::int64_t kTileRows = 32;
  static constexpr std::int64_t kBlock = kInt24Rows;

  static std::int64_t packed_bytes(std::int64_t depth, std::int64_t columns) {
    return int24_packed_bytes(depth, columns);
  }
  static void pack(const Matrix& b, std::byte* packed) { pack_int24(b, packed); }
  static std::int64_t packed_scratch_bytes(const Matrix& a) { return int24_scratch_bytes(a); }
  static void multiply_packed(const Matrix& a, const std::byte* packed, Range rows,
                              std::int64_t columns, const Output& c, std::byte* scratch) {
    multiply_packed_int24(a, packed, rows, columns, c, scratch);
  }
  static std::int64_t scratch_bytes(const Matrix& a) { return int24_scratch_bytes(a); }
  static void multiply(const Matrix& a, const Matrix& b, Range rows, Range columns, const Output& c,
                       std::byte* scratch) {
    multiply_int24(a, b, rows, columns, c, scratch);
  }
};

/// Columns are shared out by whole panels.
template <class Way>
void pack(const Workers& workers, const Matrix& b, std::byte* packed) {
  const std::int64_t panel_bytes = Way::packed_bytes(b.rows, 1);
  const std::int64_t width = panel_width();
  workers.pool.parallel_for(
      b.columns, worth_a_thread(8 * b.rows, width), [&](std::int64_t begin, std::int64_t end, int) {
        const Matrix columns{b.at(0, begin), b.rows, end - begin, b.row_stride, b.column_stride};
        Way::pack(columns, packed + begin / width * panel_bytes);
      });
}

template <class Way>
void multiply_by(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c) {
  const Scratch::Frame frame(workers.scratch);
  const std::int64_t width = panel_width();
  const std::int64_t row_grain = worth_a_thread(b.columns * a.columns, Way::kTileRows);
  // Columns of b that have to be turned or encoded are packed once for all blocks of rows.
  if ((workers.int24 || b.row_stride == 1) && a.rows > Way::kBlock) {
    auto* const packed = frame.take<std::byte>(Way::packed_bytes(b.rows, b.columns));
    pack<Way>(workers, b, packed);
    const std::int64_t each = Way::packed_scratch_bytes(a);
    auto* const scratch = frame.take<std::byte>(each * workers.pool.size());
    workers.pool.parallel_for(
        a.rows, row_grain, [&](std::int64_t begin, std::int64_t end, int part) {
          Way::multiply_packed(a, packed, {begin, end}, b.columns, c, scratch + part * each);
        });
    return;
  }
  const std::int64_t each = Way::scratch_bytes(a);
  auto* const scratch = frame.take<std::byte>(each * workers.pool.size());
  // Split where there are more pieces to share out; a split of the rows packs b in every thread.
  if (a.rows / Way::kTileRows > 2 * b.columns / width) {
    workers.pool.parallel_for(
        a.rows, row_grain, [&](std::int64_t begin, std::int64_t end, int part) {
          Way::multiply(a, b, {begin, end}, {0, b.columns}, c, scratch + part * each);
        });
  } else {
    const std::int64_t grain = worth_a_thread(a.rows * a.columns, width);
    workers.pool.parallel_for(
        b.columns, grain, [&](std::int64_t begin, std::int64_t end, int part) {
          Way::multiply(a, b, {0, a.rows}, {begin, end}, c, scratch + part * each);
        });
  }
}

}  // namespace

void multiply(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c) {
  (workers.int24 ? multiply_by<InInt24> : multiply_by<InFloats>)(workers, a, b, c);
}

PackedFactor::PackedFactor(const Workers& workers, const Scratch::Frame& frame, const Matrix& b,
                           std::int64_t rows)
    : int24_(workers.int24), columns_(b.columns) {
  const auto bytes = int24_ ? InInt24::packed_bytes : InFloats::packed_bytes;
  packed_ = frame.take<std::byte>(bytes(b.rows, b.columns));
  (int24_ ? pack<InInt24> : pack<InFloats>)(workers, b, packed_);
  if (int24_) codes_ = frame.take<std::byte>(rows * int24_row_bytes(b.rows));
}

void PackedFactor::multiply(const Matrix& a, std::int64_t first, const Output& c) const {
  if (int24_) {
    std::byte* const codes = codes_ + first * int24_row_bytes(a.columns);
    InInt24::multiply_packed(a, packed_, {0, a.rows}, columns_, c, codes);
  } else {
    InFloats::multiply_packed(a, packed_, {0, a.rows}, columns_, c, nullptr);
  }
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
  cpu::multiply(workers(), matrix_of(args.a, args.transpose_a), matrix_of(args.b, args.transpose_b),
                {args.c.as<float>(), args.c.shape[1], args.bias.as<float>(), args.accumulate});
}

void CpuBackend::do_add_column_sums(const TensorView& x, const TensorView& y) {
  cpu::add_column_sums(workers(), matrix_of(x, Transpose::no), y.as<float>());
}

}  // namespace cadenza
