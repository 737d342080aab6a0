// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/panel_gemm.h"

#include <algorithm>

#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/panel_gemm.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// The last panel's `columns` < kWidth valid columns, by way of a padded copy of c.
void multiply_narrow(int rows, const Matrix& a, const float* row, const float* panel,
                     std::int64_t columns, const Output& c) {
  float padded[kTileRows * kWidth] = {};
  float bias[kWidth] = {};
  Output copy{padded, kWidth, nullptr, c.accumulate};
  if (c.accumulate == Accumulate::add) {
    for (int i = 0; i < rows; ++i) {
      std::copy_n(c.data + i * c.stride, columns, padded + i * kWidth);
    }
  }
  if (c.bias != nullptr) {
    std::copy_n(c.bias, columns, bias);
    copy.bias = bias;
  }
  multiply_rows<kTileRows>(rows, a, row, panel, copy);
  for (int i = 0; i < rows; ++i) {
    std::copy_n(padded + i * kWidth, columns, c.data + i * c.stride);
  }
}

/// All rows of `a` times one panel; `c` begins at the panel's first column. `next` is read after
/// it.
void multiply_panel(const Matrix& a, const float* panel, const float* next, std::int64_t columns,
                    const Output& c) {
  if (columns >= kWidth) {
    return multiply_whole_panel(a, panel, {next, next == nullptr ? 0 : a.columns * kWidth}, c);
  }
  for (std::int64_t row = 0; row < a.rows; row += kTileRows) {
    const auto rows = static_cast<int>(std::min<std::int64_t>(kTileRows, a.rows - row));
    multiply_narrow(rows, a, a.at(row, 0), panel, columns,
                    {c.data + row * c.stride, c.stride, c.bias, c.accumulate});
  }
}

#if HWY_TARGET != HWY_SCALAR
/// Element (i, j) at from[i * from_stride + j] goes to to[j * to_stride + i], 4 x 4 of them.
HWY_INLINE void transpose_4x4(const float* from, std::int64_t from_stride, float* to,
                              std::int64_t to_stride) {
  const hn::Full128<float> d;
  const hn::Full128<double> pairs;
  const auto v0 = hn::LoadU(d, from);
  const auto v1 = hn::LoadU(d, from + from_stride);
  const auto v2 = hn::LoadU(d, from + 2 * from_stride);
  const auto v3 = hn::LoadU(d, from + 3 * from_stride);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, v0, v1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, v2, v3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v0, v1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v2, v3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * to_stride);
}
#endif

/// to[j * to_stride + i] = from[i * from_stride + j] for rows x columns elements.
void transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
               float* to, std::int64_t to_stride) {
  std::int64_t whole_rows = 0;
  std::int64_t whole_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  constexpr std::int64_t kLine = 16;  // floats of a cache line: read once, all of it
  whole_rows = rows / 4 * 4;
  whole_columns = columns / kLine * kLine;
  for (std::int64_t line = 0; line < whole_columns; line += kLine) {
    for (std::int64_t i = 0; i < whole_rows; i += 4) {
      for (std::int64_t j = line; j < line + kLine; j += 4) {
        transpose_4x4(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
      }
    }
  }
#endif
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j) {
      to[j * to_stride + i] = from[i * from_stride + j];
    }
  }
}

/// One panel from all rows of b and its first min(kWidth, columns) columns.
void pack_panel(const Matrix& b, float* panel) {
  const std::int64_t columns = std::min<std::int64_t>(kWidth, b.columns);
  if (columns < kWidth) std::fill(panel, panel + b.rows * kWidth, 0.0F);
  if (b.row_stride == 1) {
    transpose(b.data, b.column_stride, columns, b.rows, panel, kWidth);
  } else if (columns == kWidth) {
    const Real d;
    for (std::int64_t k = 0; k < b.rows; ++k) {
      // The panel after this one begins where this row goes on, out of the reach of the hardware.
      __builtin_prefetch(b.at(k, kWidth), 0, 2);
      __builtin_prefetch(b.at(k, kWidth + kLanes), 0, 2);
      hn::Store(hn::LoadU(d, b.at(k, 0)), d, panel + k * kWidth);
      hn::Store(hn::LoadU(d, b.at(k, kLanes)), d, panel + k * kWidth + kLanes);
    }
  } else {
    for (std::int64_t k = 0; k < b.rows; ++k) std::copy_n(b.at(k, 0), columns, panel + k * kWidth);
  }
}

std::int64_t panel_width() { return kWidth; }

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::cpu {

HWY_EXPORT(panel_width);
HWY_EXPORT(target_name);
HWY_EXPORT(transpose);
HWY_EXPORT(pack_panel);
HWY_EXPORT(multiply_panel);

std::string_view instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

void transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
               float* to, std::int64_t to_stride) {
  HWY_DYNAMIC_DISPATCH(transpose)(from, from_stride, rows, columns, to, to_stride);
}

std::int64_t panel_width() { return HWY_DYNAMIC_DISPATCH(panel_width)(); }

namespace {
// A panel of so many products stays in the first-level cache and a block of rows of a, whole tiles
// on every target, in the second; c holds the sums between two blocks.
constexpr std::int64_t kDepthBlock = 256;
constexpr std::int64_t kRowBlock = 360;

std::int64_t bytes_of(std::int64_t floats) {
  return aligned_bytes(floats * std::int64_t{sizeof(float)});
}

Matrix sub_matrix(const Matrix& m, Range rows, Range columns) {
  return {m.at(rows.begin, columns.begin), rows.end - rows.begin, columns.end - columns.begin,
          m.row_stride, m.column_stride};
}

/// Calls body(a, depth, c) for blocks of a that the second-level cache holds, with contiguous rows
/// (copied to `scratch` where they are not), the range of b's rows that each is multiplied with
/// and where that product goes.
template <class Body>
void for_each_block(const Matrix& a, Range rows, const Output& c, float* scratch,
                    const Body& body) {
  for (std::int64_t row = rows.begin; row < rows.end; row += kRowBlock) {
    const Range block{row, std::min(rows.end, row + kRowBlock)};
    for (std::int64_t k = 0; k == 0 || k < a.columns; k += kDepthBlock) {
      const Range depth{k, std::min(a.columns, k + kDepthBlock)};
      const Output out = c.part(row, k);
      Matrix part = sub_matrix(a, block, depth);
      if (part.column_stride != 1) {
        HWY_DYNAMIC_DISPATCH(transpose)
        (part.data, part.column_stride, part.columns, part.rows, scratch, part.columns);
        part = {scratch, part.rows, part.columns, part.columns, 1};
      }
      body(part, depth, out);
    }
  }
}

std::int64_t packed_bytes(std::int64_t depth, std::int64_t columns) {
  const std::int64_t width = panel_width();
  return (columns + width - 1) / width * width * depth * std::int64_t{sizeof(float)};
}

/// [ceil(columns / width)][K][width].
void pack(const Matrix& b, std::byte* packed) {
  auto* const panels = reinterpret_cast<float*>(packed);
  for (std::int64_t n = 0; n < b.columns; n += panel_width()) {
    HWY_DYNAMIC_DISPATCH(pack_panel)
    (sub_matrix(b, {0, b.rows}, {n, b.columns}), panels + n * b.rows);
  }
}

void multiply_packed(const Matrix& a, const std::byte* packed, Range rows, std::int64_t columns,
                     const Output& c, std::byte* scratch) {
  const std::int64_t width = panel_width();
  const auto* const panels = reinterpret_cast<const float*>(packed);
  auto* const copy = reinterpret_cast<float*>(scratch);
  // Rows that a near cache holds in all their depth meet panels from end to end, as they lie in
  // memory; others a part of the depth of every panel.
  constexpr std::int64_t kNear = std::int64_t{512} * 1024 / sizeof(float);
  const bool near = a.column_stride == 1 && (rows.end - rows.begin) * a.columns <= kNear;
  const auto multiply_by = [&](std::int64_t n, const Matrix& part, Range depth, const Output& out) {
    const float* const panel = panels + n * a.columns + depth.begin * width;
    HWY_DYNAMIC_DISPATCH(multiply_panel)
    (part, panel, panel + width * (near ? part.columns : a.columns), std::min(width, columns - n),
     out);
  };
  if (near) {
    for (std::int64_t n = 0; n < columns; n += width) {
      for_each_block(a, rows, c.from_column(n), copy,
                     [&](const Matrix& part, Range depth, const Output& out) {
                       multiply_by(n, part, depth, out);
                     });
    }
    return;
  }
  for_each_block(a, rows, c, copy, [&](const Matrix& part, Range depth, const Output& out) {
    for (std::int64_t n = 0; n < columns; n += width) {
      multiply_by(n, part, depth, out.from_column(n));
    }
  });
}

/// 0 where the rows of `a` are contiguous.
std::int64_t packed_scratch_bytes(const Matrix& a) {
  if (a.column_stride == 1) return 0;
  return bytes_of(std::min(a.columns, kDepthBlock) * std::min(a.rows, kRowBlock));
}

void multiply(const Matrix& a, const Matrix& b, Range rows, Range columns, const Output& c,
              std::byte* scratch) {
  const std::int64_t width = panel_width();
  auto* const panel = reinterpret_cast<float*>(scratch);
  float* const copy = panel + width * std::min(a.columns, kDepthBlock);
  for_each_block(a, rows, c, copy, [&](const Matrix& part, Range depth, const Output& out) {
    for (std::int64_t n = columns.begin; n < columns.end; n += width) {
      HWY_DYNAMIC_DISPATCH(pack_panel)(sub_matrix(b, depth, {n, columns.end}), panel);
      HWY_DYNAMIC_DISPATCH(multiply_panel)
      (part, panel, nullptr, std::min(width, columns.end - n), out.from_column(n));
    }
  });
}

std::int64_t scratch_bytes(const Matrix& a) {
  return bytes_of(std::min(a.columns, kDepthBlock) * panel_width()) + packed_scratch_bytes(a);
}

}  // namespace

const Gemm kPanelGemm{.tile_rows = 12,
                      .row_block = kRowBlock,
                      .encodes = false,
                      .packed_bytes = packed_bytes,
                      .pack = pack,
                      .multiply_packed = multiply_packed,
                      .packed_scratch_bytes = packed_scratch_bytes,
                      .multiply = multiply,
                      .scratch_bytes = scratch_bytes};

}  // namespace cadenza::cpu
#endif  // HWY_ONCE
