// SPDX-License-Identifier: Apache-2.0
// Rows times packed panels in any of the formats of products.h, compiled once per target (Highway's
// -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_PRODUCTS_INL_H_
#undef CADENZA_BACKEND_CPU_PRODUCTS_INL_H_
#else
#define CADENZA_BACKEND_CPU_PRODUCTS_INL_H_
#endif

#include <algorithm>
#include <limits>

#include "backend/cpu/codes-inl.h"
#include "backend/cpu/narrow_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

// A way to multiply: tile<kRows, kPanels>() for a few rows, kFewPanels[kRows] panels at a time, and
// many_rows() for more rows and all panels.

struct FloatProducts {
  static constexpr int kFewPanels[] = {0, 4, 3, 2};

  static Matrix matrix(const Operand& a) {
    return {static_cast<const float*>(a.data), a.rows, a.depth, a.stride, 1};
  }
  template <int kRows, int kPanels>
  static HWY_INLINE void tile(const Operand& a, const Panels& panels, int first, const Output& c) {
    const auto* const data = reinterpret_cast<const float*>(panels.data);
    PanelGroup<kPanels> group{data + first * a.depth * kWidth, {}};
    for (int p = 0; p < kPanels; ++p) {
      group.columns[p] = std::int64_t{panels.plane[first + p]} * kWidth;
    }
    const Matrix rows = matrix(a);
    multiply_tile<kRows, kPanels>(rows, rows.data, group, c);
  }
  /// By parts of kDepth products: one of a panel stays in the first-level cache while all rows pass
  /// it or, from kManyRows on, a group of rows while it passes those of all panels.
  static void many_rows(const Operand& a, const Panels& panels, const Output& c, AmxTiles&) {
    constexpr std::int64_t kDepth = 256;
    const Matrix factors = matrix(a);
    const auto* const data = reinterpret_cast<const float*>(panels.data);
    const std::int64_t size = a.depth * kWidth;
    const auto multiply = [&](Range rows, int p, Range depth, const Next& next) HWY_ATTR {
      const Output out = c.from_column(std::int64_t{panels.plane[p]} * kWidth);
      multiply_whole_panel({factors.at(rows.begin, depth.begin), rows.end - rows.begin,
                            depth.end - depth.begin, a.stride, 1},
                           data + p * size + depth.begin * kWidth, next,
                           out.part(rows.begin, depth.begin));
    };
    if (a.rows < kManyRows) {
      for (int p = 0; p < panels.count; ++p) {
        for (std::int64_t k = 0; k < a.depth; k += kDepth) {
          const std::int64_t end = std::min(a.depth, k + kDepth);
          multiply({0, a.rows}, p, {k, end}, {data + p * size + end * kWidth, (end - k) * kWidth});
        }
      }
      return;
    }
    const std::int64_t groups = (a.rows + kGroupRows - 1) / kGroupRows;
    for (std::int64_t k = 0; k < a.depth; k += kDepth) {
      const std::int64_t end = std::min(a.depth, k + kDepth);
      for (std::int64_t group = 0; group < groups; ++group) {
        const Range rows{a.rows * group / groups, a.rows * (group + 1) / groups};
        for (int p = 0; p < panels.count; ++p) {
          // A share of what comes after this part: the next of this panel, or the first of that in
          // the panels after these.
          const float* const after =
              end < a.depth ? data + p * size + end * kWidth : data + (panels.count + p) * size;
          const std::int64_t floats = (end - k) * kWidth;
          multiply(rows, p, {k, end}, {after + floats * group / groups, floats / groups});
        }
      }
    }
  }

 private:
  /// All of many rows, read anew for every panel, would come from the second-level cache. (The
  /// first of processors with AVX-512 is larger and their tiles are wider: not tried there.)
  static constexpr std::int64_t kGroupRows = 2 * kTileRows;
  static constexpr std::int64_t kManyRows =
      HWY_MAX_BYTES == 64 ? std::numeric_limits<std::int64_t>::max() : 64;
};

/// The same with the tiles of narrow_tiles-inl.h, which take the row of `a` and c that they begin
/// with.
template <class Tiles>
struct NarrowProducts {
  static constexpr const auto& kFewPanels = Tiles::kFewPanels;

  template <int kRows, int kPanels>
  static HWY_INLINE void tile(const Operand& a, const Panels& panels, int first, const Output& c) {
    Tiles::template tile<kRows, kPanels>(a, 0, panels, first, c);
  }
  static void many_rows(const Operand& a, const Panels& panels, const Output& c,
                        AmxTiles& tiles_of_amx) {
    int by_amx = 0;  // all or none
    while (by_amx < panels.count && Tiles::multiply_by_amx(a, panels, by_amx, c, tiles_of_amx)) {
      ++by_amx;
    }
    if (by_amx == panels.count) return;
    const std::int64_t tiles = (a.rows + Tiles::kMostRows - 1) / Tiles::kMostRows;
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const std::int64_t begin = a.rows * tile / tiles;
      const auto rows = static_cast<int>(a.rows * (tile + 1) / tiles - begin);
      for (int p = 0; p < panels.count; ++p) {
        multiply_rows<Tiles::kMostRows>(rows, a, begin, panels, p, c);
      }
    }
  }

 private:
  template <int kRows>
  static void multiply_rows(int rows, const Operand& a, std::int64_t begin, const Panels& panels,
                            int p, const Output& c) {
    if (rows == kRows) {
      Tiles::template tile<kRows, 1>(a, begin, panels, p, c);
    } else if constexpr (kRows > 1) {
      multiply_rows<kRows - 1>(rows, a, begin, panels, p, c);
    }
  }
};

/// The tiles of a format of integers.
template <class F>
using ProductsOf = std::conditional_t<(F::kDigits > 1), DigitProducts<F>, IntegerProducts<F>>;

/// kRows rows times all panels, kMost at a time: a few rows alone have too few sums to keep the
/// multipliers busy while each waits for the one before.
template <class Way, int kRows, int kMost>
HWY_INLINE void multiply_few(const Operand& a, const Panels& panels, const Output& c) {
  int first = 0;
  for (; first + kMost <= panels.count; first += kMost) {
    Way::template tile<kRows, kMost>(a, panels, first, c);
  }
  if constexpr (kMost > 3) {
    if (panels.count - first == 3) return Way::template tile<kRows, 3>(a, panels, first, c);
  }
  if constexpr (kMost > 2) {
    if (panels.count - first == 2) return Way::template tile<kRows, 2>(a, panels, first, c);
  }
  if constexpr (kMost > 1) {
    if (panels.count - first == 1) Way::template tile<kRows, 1>(a, panels, first, c);
  }
}

template <class Way>
void multiply_panels_by(const Operand& a, const Panels& panels, const Output& c, AmxTiles& tiles) {
  switch (a.rows) {
    case 1:
      return multiply_few<Way, 1, Way::kFewPanels[1]>(a, panels, c);
    case 2:
      return multiply_few<Way, 2, Way::kFewPanels[2]>(a, panels, c);
    case 3:
      return multiply_few<Way, 3, Way::kFewPanels[3]>(a, panels, c);
    default:
      return Way::many_rows(a, panels, c, tiles);
  }
}

/// c = a * panels, and what an Output says that sums start from. `tiles` may be those of the
/// product before.
inline void multiply_panels(Precision format, const Operand& a, const Panels& panels,
                            const Output& c, AmxTiles& tiles) {
  switch (format) {
    case Precision::bf16:
      return multiply_panels_by<NarrowProducts<Bf16Products>>(a, panels, c, tiles);
    case Precision::int24:
    case Precision::int16:
    case Precision::int8:
      return with_integers(format, [&]<class F>(F) HWY_ATTR {
        multiply_panels_by<NarrowProducts<ProductsOf<F>>>(a, panels, c, tiles);
      });
    default:
      return multiply_panels_by<FloatProducts>(a, panels, c, tiles);
  }
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_PRODUCTS_INL_H_
