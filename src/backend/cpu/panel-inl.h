// SPDX-License-Identifier: Apache-2.0
// Register tiles of products with packed panels, compiled once per target (Highway's -inl.h
// convention). The order of summation is that of panel_gemm.h.

#if defined(CADENZA_BACKEND_CPU_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_PANEL_INL_H_
#undef CADENZA_BACKEND_CPU_PANEL_INL_H_
#else
#define CADENZA_BACKEND_CPU_PANEL_INL_H_
#endif

#include <algorithm>

#include "backend/cpu/panel_gemm.h"
#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

using Real = hn::ScalableTag<float>;
using Vector = hn::Vec<Real>;
constexpr int kLanes = HWY_LANES(float);
constexpr int kWidth = 2 * kLanes;  // of a panel: two vectors
constexpr int kLineFloats = 16;     // of a line of the caches
// Accumulators, two panel vectors and one broadcast have to fit 32 or 16 registers, and the places
// of the rows those for addresses, of which 12 rows have too few. Sanitizers take a minute to
// compile six heights.
#ifdef CADENZA_SANITIZED
constexpr int kTileRows = 4;
#else
constexpr int kTileRows = HWY_MAX_BYTES == 64 ? 10 : 6;
#endif

/// kPanels panels that lie one after the other, and where the columns of each go in a row of c.
template <int kPanels>
struct PanelGroup {
  const float* panels;  ///< [kPanels, K, kWidth]
  std::int64_t columns[kPanels];
};

/// What a tile fetches while it computes.
struct Ahead {
  const float* data = nullptr;
  /// Products for each line that goes to the second-level cache; 0: for each product a row of a
  /// panel goes to the first.
  std::int64_t every = 0;
};

/// What the sums of a row of c start from, the W columns from `column` on.
HWY_INLINE void load_starts(const Output& c, std::int64_t row, std::int64_t column, Vector& sum0,
                            Vector& sum1) {
  const Real d;
  const float* const start = c.start(row);
  sum0 = start == nullptr ? hn::Zero(d) : hn::LoadU(d, start + column);
  sum1 = start == nullptr ? hn::Zero(d) : hn::LoadU(d, start + column + kLanes);
  if (c.bias == nullptr) return;
  sum0 = hn::Add(sum0, hn::LoadU(d, c.bias + column));
  sum1 = hn::Add(sum1, hn::LoadU(d, c.bias + column + kLanes));
}

/// kRows x kPanels * kWidth elements of c; `row` points at the first row, of contiguous k.
template <int kRows, int kPanels>
HWY_INLINE void multiply_tile(const Matrix& a, const float* row, const PanelGroup<kPanels>& group,
                              const Output& c, Ahead ahead = {}) {
  const Real d;
  const std::int64_t a_stride = a.row_stride;
  const std::int64_t depth = a.columns;
  const std::int64_t panel_size = depth * kWidth;
  Vector sum0[kRows * kPanels], sum1[kRows * kPanels];
#pragma GCC unroll 16
  for (int i = 0; i < kRows * kPanels; ++i) {
    const std::int64_t column = group.columns[i % kPanels];
    load_starts(c, i / kPanels, column, sum0[i], sum1[i]);
  }
  const auto add = [&](std::int64_t k) HWY_ATTR {
#pragma GCC unroll 16
    for (int p = 0; p < kPanels; ++p) {
      const float* const panel = group.panels + p * panel_size + k * kWidth;
      const Vector b0 = hn::Load(d, panel);
      const Vector b1 = hn::Load(d, panel + kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const Vector broadcast = hn::Set(d, row[i * a_stride + k]);
        sum0[i * kPanels + p] = Fma(d, broadcast, b0, sum0[i * kPanels + p]);
        sum1[i * kPanels + p] = Fma(d, broadcast, b1, sum1[i * kPanels + p]);
      }
    }
  };
  if (ahead.data == nullptr) {
    for (std::int64_t k = 0; k < depth; ++k) add(k);
  } else if (ahead.every == 0) {
    for (std::int64_t k = 0; k < depth; ++k) {
      const float* const next = ahead.data + k * kWidth;
      for (int i = 0; i < kWidth; i += kLineFloats) __builtin_prefetch(next + i, 0, 3);
      add(k);
    }
  } else {
    const float* next = ahead.data;
    for (std::int64_t k = 0; k < depth; next += kLineFloats) {
      __builtin_prefetch(next, 0, 2);
      const std::int64_t end = std::min(depth, k + ahead.every);
      for (; k < end; ++k) add(k);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows * kPanels; ++i) {
    float* const out = c.data + i / kPanels * c.stride + group.columns[i % kPanels];
    hn::StoreU(sum0[i], d, out);
    hn::StoreU(sum1[i], d, out + kLanes);
  }
}

/// Any number of rows up to kRows.
template <int kRows>
void multiply_rows(int rows, const Matrix& a, const float* row, const float* panel, const Output& c,
                   Ahead ahead = {}) {
  if (rows == kRows) {
    multiply_tile<kRows, 1>(a, row, {panel, {0}}, c, ahead);
  } else if constexpr (kRows > 1) {
    multiply_rows<kRows - 1>(rows, a, row, panel, c, ahead);
  }
}

/// Fetches W columns of rows that a tile is about to go on from or to overwrite.
HWY_INLINE void fetch_sums(const Output& c, std::int64_t rows) {
  for (std::int64_t row = 0; row < rows; ++row) {
    __builtin_prefetch(c.data + row * c.stride, 1, 3);
    __builtin_prefetch(c.data + row * c.stride + kLanes, 1, 3);
    if (c.starts.table == nullptr) continue;
    __builtin_prefetch(c.starts.row(row), 0, 3);
    __builtin_prefetch(c.starts.row(row) + kLanes, 0, 3);
  }
}

/// What is read after a panel and all its tiles fetch; 0 floats: nothing.
struct Next {
  const float* data = nullptr;
  std::int64_t floats = 0;
};

/// All rows of `a` times one whole panel; `c` begins at the panel's first column. Where one tile is
/// all, what lies behind the panel is taken for what is read next, and fetched 4 KB before it is
/// read: about as long as it takes from the third-level cache. A panel that is read once is waited
/// for all the time.
HWY_INLINE void multiply_whole_panel(const Matrix& a, const float* panel, const Next& next,
                                     const Output& c) {
  constexpr std::int64_t kNear = 1024;  // floats
  // Tiles of even height: 16 rows are two times 8, not 12 and 4.
  const std::int64_t tiles = (a.rows + kTileRows - 1) / kTileRows;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t begin = a.rows * tile / tiles;
    const auto rows = static_cast<int>(a.rows * (tile + 1) / tiles - begin);
    Ahead ahead;
    if (next.floats > 0) {
      const std::int64_t every = kLineFloats * a.columns * tiles / next.floats;
      ahead = tiles == 1
                  ? Ahead{panel + kNear}
                  : Ahead{next.data + next.floats * tile / tiles, std::max<std::int64_t>(1, every)};
    }
    const bool last = tile + 1 == tiles;
    // No tile is higher than the last, so that there are as many rows.
    fetch_sums(last ? c.from_column(kWidth) : c.from_row(begin + rows), rows);
    multiply_rows<kTileRows>(rows, a, a.at(begin, 0), panel, c.from_row(begin), ahead);
  }
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_PANEL_INL_H_
