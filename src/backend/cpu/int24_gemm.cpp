// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/int24_gemm.h"

#include <algorithm>

#include "backend/cpu/panel_gemm.h"
#include "backend/cpu/products.h"

#define CADENZA_WITH_AVX3_DL
#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/int24_gemm.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

using Int24Products = NarrowProducts<DigitProducts<Int24>>;

// A panel is digits, then its columns' steps [W] and offsets [kPlaces, W].

std::int64_t digit_bytes(std::int64_t depth) {
  return padded_depth<Int24>(depth) * kWidth * std::int64_t{sizeof(Int24::Weight)};
}

std::int64_t int24_panel_bytes(std::int64_t depth) {
  return digit_bytes(depth) + (1 + kPlaces) * kWidth * 4;
}

/// Packs up to kInt24Depth rows of up to kWidth columns.
void pack_int24_panel(const Matrix& b, std::byte* panel) {
  const Real d;
  auto* const steps = reinterpret_cast<float*>(panel + digit_bytes(b.rows));
  auto* const offsets = reinterpret_cast<std::int32_t*>(steps + kWidth);
  HWY_ALIGN float copy[kInt24Depth * kWidth];
  const float* rows = b.data;
  std::int64_t stride = b.row_stride;
  const std::int64_t columns = std::min<std::int64_t>(kWidth, b.columns);
  if (columns < kWidth || b.column_stride != 1) {
    if (columns < kWidth) std::fill_n(copy, b.rows * kWidth, 0.0F);
    if (b.column_stride != 1) {
      cpu::transpose(b.data, b.column_stride, columns, b.rows, copy, kWidth);
    } else {
      for (std::int64_t k = 0; k < b.rows; ++k) std::copy_n(b.at(k, 0), columns, copy + k * kWidth);
    }
    rows = copy;
    stride = kWidth;
  }
  Vector most[2] = {hn::Zero(d), hn::Zero(d)};
  Vector nothing[2] = {hn::Zero(d), hn::Zero(d)};  // NaN where not finite: Max may lose it
  for (std::int64_t k = 0; k < b.rows; ++k) {
    const float* const row = rows + k * stride;
    // Where b is read as it lies, the panel after this one begins where this row goes on, out of
    // the reach of the hardware.
    __builtin_prefetch(row + kWidth, 0, 2);
    __builtin_prefetch(row + kWidth + kLanes, 0, 2);
    for (int half = 0; half < 2; ++half) {
      const Vector x = hn::LoadU(d, row + half * kLanes);
      most[half] = hn::Max(most[half], hn::Abs(x));
      nothing[half] = Fma(d, x, hn::Zero(d), nothing[half]);
    }
  }
  for (int half = 0; half < 2; ++half) {
    const float* const from = rows + half * kLanes;
    const Vector step =
        hn::Max(hn::Div(most[half], hn::Set(d, Int24::kMostWeight)), hn::Set(d, kLeastStep));
    const Vector inverse = hn::Div(hn::Set(d, 1.0F), step);
    hn::StoreU(Fma(d, step, hn::Set(d, Int24::kUnitOfSum), nothing[half]), d,
               steps + half * kLanes);
    WordVector sums[Int24::kDigits];
    for (WordVector& sum : sums) sum = hn::Zero(Words());
    auto* tiles = reinterpret_cast<std::int32_t*>(panel + half * digit_bytes(b.rows) / 2);
    for (std::int64_t k = 0; k < b.rows; k += kDigitBlock) {
      Int24::pack(from + k * stride, stride, std::min(kDigitBlock, b.rows - k), inverse, tiles,
                  sums);
      tiles += Int24::kDigits * kDigitWords;
    }
    Int24::set_offsets(sums, offsets + half * kLanes);
  }
}

/// c = rows of codes * a panel (+ bias) (+ c) of up to kWidth columns.
void multiply_int24_panel(const Factors& codes, std::int64_t rows_of_a, std::int64_t depth,
                          const std::byte* panel, std::int64_t columns, const Output& c,
                          AmxTiles& tiles) {
  const Operand a{codes.data, rows_of_a, depth, codes.stride, codes.steps};
  const auto* const steps = reinterpret_cast<const float*>(panel + digit_bytes(depth));
  const auto* const offsets = reinterpret_cast<const std::int32_t*>(steps + kWidth);
  const Panels panels{panel, steps, offsets, kPlaces, 1, {0}};
  if (columns >= kWidth) return multiply_panels_by<Int24Products>(a, panels, c, tiles);
  constexpr std::int64_t kRows = 32;
  float padded[kRows * kWidth] = {};
  float bias[kWidth] = {};
  Output copy{padded, kWidth, nullptr, c.accumulate};
  if (c.bias != nullptr) {
    std::copy_n(c.bias, columns, bias);
    copy.bias = bias;
  }
  const std::int64_t row_bytes = a.stride * std::int64_t{sizeof(Int24::Code)};
  for (std::int64_t row = 0; row < a.rows; row += kRows) {
    const std::int64_t rows = std::min(kRows, a.rows - row);
    for (std::int64_t i = 0; c.accumulate == Accumulate::add && i < rows; ++i) {
      std::copy_n(c.data + (row + i) * c.stride, columns, padded + i * kWidth);
    }
    const Operand some{static_cast<const std::byte*>(a.data) + row * row_bytes, rows, a.depth,
                       a.stride, a.steps + row};
    multiply_panels_by<Int24Products>(some, panels, copy, tiles);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::copy_n(padded + i * kWidth, columns, c.data + (row + i) * c.stride);
    }
  }
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::cpu {

HWY_EXPORT(int24_panel_bytes);
HWY_EXPORT(pack_int24_panel);
HWY_EXPORT(multiply_int24_panel);

namespace {

/// Rows of a, whole tiles, whose codes the second-level cache holds: 768 KB where digits are bytes.
constexpr std::int64_t kRowBlock = 256;
/// Room for the step of a row that keeps what follows aligned.
constexpr std::int64_t kStepBytes = 64;
/// Rows of a that are turned together.
constexpr std::int64_t kTurned = 16;
/// Of rows that would meet in few sets of the first-level cache if a power of two lay between them.
constexpr std::int64_t turned_stride(std::int64_t depth) { return depth + 16; }

std::int64_t panel_bytes_of(std::int64_t depth) {
  return HWY_DYNAMIC_DISPATCH(int24_panel_bytes)(depth);
}

/// Of the panels of the same columns that begin before `depth`.
std::int64_t bytes_before(std::int64_t depth) {
  return depth / kInt24Depth * panel_bytes_of(kInt24Depth);
}
/// Of all of them.
std::int64_t column_bytes(std::int64_t depth) {
  const std::int64_t rest = depth % kInt24Depth;
  return bytes_before(depth) + (rest > 0 || depth == 0 ? panel_bytes_of(rest) : 0);
}

/// Of the codes and the step of a row of a.
std::int64_t row_scratch_bytes(std::int64_t depth) {
  return padded_codes(std::min(depth, kInt24Depth)) * code_bytes(Precision::int24) + kStepBytes;
}

/// For the rows that are turned; none where they are contiguous.
std::int64_t turned_bytes(const Matrix& a) {
  if (a.column_stride == 1) return 0;
  return kTurned * turned_stride(std::min(a.columns, kInt24Depth)) * std::int64_t{sizeof(float)};
}

/// Codes of a part of a, whose rows are turned by way of `turned`.
Factors encode_part(const Matrix& a, std::byte* codes, float* steps, float* turned) {
  const std::int64_t stride = padded_codes(a.columns);
  const std::int64_t row_bytes = stride * code_bytes(Precision::int24);
  for (std::int64_t row = 0; row < a.rows; row += kTurned) {
    const std::int64_t rows = std::min(kTurned, a.rows - row);
    Matrix some{a.at(row, 0), rows, a.columns, a.row_stride, a.column_stride};
    if (a.column_stride != 1) {
      const std::int64_t turned_row = turned_stride(a.columns);
      transpose(some.data, a.column_stride, a.columns, rows, turned, turned_row);
      some = {turned, rows, a.columns, turned_row, 1};
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      encode_row(Precision::int24, some.at(i, 0), a.columns, codes + (row + i) * row_bytes,
                 steps + row + i, kLeastExponent);
    }
  }
  return {codes, stride, steps};
}

/// Calls body(codes, rows, depth, c) for parts of a, the depth of each, and where its products go.
template <class Body>
void for_each_part(const Matrix& a, Range rows, const Output& c, std::byte* scratch,
                   const Body& body) {
  const std::int64_t most_rows = std::min(kRowBlock, rows.end - rows.begin);
  auto* const steps = reinterpret_cast<float*>(scratch);
  std::byte* const codes = scratch + most_rows * kStepBytes;
  auto* const turned = reinterpret_cast<float*>(scratch + most_rows * row_scratch_bytes(a.columns));
  for (std::int64_t row = rows.begin; row < rows.end; row += kRowBlock) {
    const std::int64_t count = std::min(kRowBlock, rows.end - row);
    for (std::int64_t k = 0; k == 0 || k < a.columns; k += kInt24Depth) {
      const Range depth{k, std::min(a.columns, k + kInt24Depth)};
      const Output out = c.part(row, k);
      const Matrix part{a.at(row, k), count, depth.end - depth.begin, a.row_stride,
                        a.column_stride};
      body(encode_part(part, codes, steps, turned), count, depth, out);
    }
  }
}

void multiply_panel(const Factors& codes, std::int64_t rows, std::int64_t depth,
                    const std::byte* panel, std::int64_t columns, const Output& c,
                    AmxTiles& tiles) {
  HWY_DYNAMIC_DISPATCH(multiply_int24_panel)
  (codes, rows, depth, panel, columns, c, tiles);
}

std::int64_t packed_bytes(std::int64_t depth, std::int64_t columns) {
  const std::int64_t width = panel_width();
  return (columns + width - 1) / width * column_bytes(depth);
}

void pack(const Matrix& b, std::byte* packed) {
  for (std::int64_t n = 0; n < b.columns; n += panel_width()) {
    for (std::int64_t k = 0; k == 0 || k < b.rows; k += kInt24Depth) {
      const std::int64_t depth = std::min(kInt24Depth, b.rows - k);
      HWY_DYNAMIC_DISPATCH(pack_int24_panel)
      ({b.at(k, n), depth, b.columns - n, b.row_stride, b.column_stride}, packed);
      packed += panel_bytes_of(depth);
    }
  }
}

void multiply_packed(const Matrix& a, const std::byte* packed, Range rows, std::int64_t columns,
                     const Output& c, std::byte* scratch) {
  const std::int64_t width = panel_width();
  const std::int64_t column = column_bytes(a.columns);
  AmxTiles tiles;
  for_each_part(a, rows, c, scratch,
                [&](const Factors& codes, std::int64_t count, Range depth, const Output& out) {
                  for (std::int64_t n = 0; n < columns; n += width) {
                    const std::byte* const panel =
                        packed + n / width * column + bytes_before(depth.begin);
                    multiply_panel(codes, count, depth.end - depth.begin, panel,
                                   std::min(width, columns - n), out.from_column(n), tiles);
                  }
                });
}

std::int64_t packed_scratch_bytes(const Matrix& a) {
  return std::min(a.rows, kRowBlock) * row_scratch_bytes(a.columns) + turned_bytes(a);
}

void multiply(const Matrix& a, const Matrix& b, Range rows, Range columns, const Output& c,
              std::byte* scratch) {
  const std::int64_t width = panel_width();
  std::byte* const panel = scratch;
  AmxTiles tiles;
  for_each_part(
      a, rows, c, scratch + aligned_bytes(panel_bytes_of(std::min(a.columns, kInt24Depth))),
      [&](const Factors& codes, std::int64_t count, Range depth, const Output& out) {
        const std::int64_t part_depth = depth.end - depth.begin;
        for (std::int64_t n = columns.begin; n < columns.end; n += width) {
          HWY_DYNAMIC_DISPATCH(pack_int24_panel)
          ({b.at(depth.begin, n), part_depth, columns.end - n, b.row_stride, b.column_stride},
           panel);
          multiply_panel(codes, count, part_depth, panel, std::min(width, columns.end - n),
                         out.from_column(n), tiles);
        }
      });
}

std::int64_t scratch_bytes(const Matrix& a) {
  return aligned_bytes(panel_bytes_of(std::min(a.columns, kInt24Depth))) + packed_scratch_bytes(a);
}

}  // namespace

const Gemm kInt24Gemm{.tile_rows = 32,
                      .row_block = kRowBlock,
                      .encodes = true,
                      .packed_bytes = packed_bytes,
                      .pack = pack,
                      .multiply_packed = multiply_packed,
                      .packed_scratch_bytes = packed_scratch_bytes,
                      .multiply = multiply,
                      .scratch_bytes = scratch_bytes};

}  // namespace cadenza::cpu
#endif  // HWY_ONCE
