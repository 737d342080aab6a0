// SPDX-License-Identifier: Apache-2.0
// Register tiles of products in the narrow formats of products.h, compiled once per target
// (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_NARROW_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_NARROW_TILES_INL_H_
#undef CADENZA_BACKEND_CPU_NARROW_TILES_INL_H_
#else
#define CADENZA_BACKEND_CPU_NARROW_TILES_INL_H_
#endif

#include <cstring>
#include <type_traits>

#include "backend/cpu/digit_products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// kRows rows of c from row `begin` on: those of a times panels [first, first + kPanels).
template <class F>
struct IntegerProducts {
  /// Panels of a few rows at a time. One after the other they are read as they lie in memory; sums
  /// of integers can be split as is fast.
  static constexpr int kFewPanels[] = {0, 1, 1, 1};
  static constexpr int kMostRows = kTileRows;

  template <int kRows, int kPanels>
  static HWY_INLINE void tile(const Operand& a, std::int64_t begin, const Panels& panels, int first,
                              const Output& c) {
    static_assert(kPanels == 1);
    constexpr Words d;
    constexpr int kSplit = kRows == 1 ? 4 : kRows <= 3 ? 2 : 1;
    const auto* const row = static_cast<const typename F::Code*>(a.data) + begin * a.stride;
    const std::int64_t words = (a.depth + F::kInWord - 1) / F::kInWord;
    const auto* const panel = reinterpret_cast<const std::int32_t*>(panels.data) +
                              first * padded_depth<F>(a.depth) / F::kInWord * kWidth;
    WordVector sum0[kRows * kSplit], sum1[kRows * kSplit];
#pragma GCC unroll 16
    for (int i = 0; i < kRows * kSplit; ++i) {
      sum0[i] = sum1[i] = hn::Zero(d);
      if (F::kZero == 0 || i >= kRows) continue;
      const std::int32_t* const offset = panels.offsets_of(first);
      sum0[i] = hn::LoadU(d, offset);
      sum1[i] = hn::LoadU(d, offset + kLanes);
    }
    const std::int64_t stride = a.stride;
    const auto add_step = [&]<int kStep>(std::int64_t word, int split) HWY_ATTR {
      const auto* const at = row + word * F::kInWord + kStep * 2;
      const std::int32_t* const from = panel + word * kWidth;
      const WordVector w0 = F::template weights<kStep>(hn::LoadU(d, from));
      const WordVector w1 = F::template weights<kStep>(hn::LoadU(d, from + kLanes));
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        std::int32_t factors;
        std::memcpy(&factors, at + i * stride, sizeof factors);
        const WordVector broadcast = hn::Set(d, factors);
        WordVector& at0 = sum0[split * kRows + i];
        WordVector& at1 = sum1[split * kRows + i];
        at0 = F::add(at0, broadcast, w0);
        at1 = F::add(at1, broadcast, w1);
      }
    };
    const auto add_word = [&](std::int64_t word, int split) HWY_ATTR {
      add_step.template operator()<0>(word, split);
      if constexpr (F::kSteps > 1) add_step.template operator()<1>(word, split);
    };
    std::int64_t word = 0;
    for (; word + kSplit <= words; word += kSplit) {
#pragma GCC unroll 4
      for (int split = 0; split < kSplit; ++split) add_word(word + split, split);
    }
    for (; word < words; ++word) add_word(word, 0);
    const SumsTarget target(a, panels, first, c);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (int split = 1; split < kSplit; ++split) {
        sum0[i] = hn::Add(sum0[i], sum0[split * kRows + i]);
        sum1[i] = hn::Add(sum1[i], sum1[split * kRows + i]);
      }
      target.add(begin + i, hn::ConvertTo(Real(), sum0[i]), hn::ConvertTo(Real(), sum1[i]));
    }
  }

  /// All rows times panel p on the tiles of AMX; false where there are none.
  static bool multiply_by_amx(const Operand& a, const Panels& panels, int p, const Output& c,
                              AmxTiles& tiles) {
    if (!kAmx || !std::is_same_v<F, Int8> || !amx_ready()) return false;
    constexpr Words d;
    const std::int64_t depth = padded_depth<F>(a.depth);
    const std::byte* const panel = panels.data + p * depth * kWidth;
    HWY_ALIGN std::int32_t sums[2 * kAmxRows][kAmxColumns];
    const SumsTarget target(a, panels, p, c);
    const auto total = [&](std::int64_t row, int lane) HWY_ATTR {
      return hn::ConvertTo(Real(), hn::Load(d, sums[row] + lane));
    };
    for_each_tile_rows(a.rows, [&](std::int64_t row, std::int64_t rows) HWY_ATTR {
      const auto* const codes = static_cast<const std::uint8_t*>(a.data) + row * a.stride;
      tiles.multiply(codes, rows, a.stride, panel, panels.offsets_of(p), depth / kAmxDepth,
                     sums[0]);
      for (std::int64_t i = 0; i < rows; ++i) {
        target.add(row + i, total(i, 0), total(i, kLanes));
      }
    });
    return true;
  }
};

/// 16-bit weights in pairs as Int16 has them, with factors as they are and the sums of fp32.
struct Bf16Products {
  static constexpr int kFewPanels[] = {0, 4, 3, 2};
  static constexpr int kMostRows = kTileRows;

  static bool multiply_by_amx(const Operand&, const Panels&, int, const Output&, AmxTiles&) {
    return false;
  }

  template <int kRows, int kPanels>
  static HWY_INLINE void tile(const Operand& a, std::int64_t begin, const Panels& panels, int first,
                              const Output& c) {
    const Real d;
    const Words words;
    const auto* const row = static_cast<const float*>(a.data) + begin * a.stride;
    const std::int64_t panel_size = (a.depth + 1) / 2 * kWidth;
    const auto* const data =
        reinterpret_cast<const std::int32_t*>(panels.data) + first * panel_size;
    Vector sum0[kRows * kPanels], sum1[kRows * kPanels];
    const auto column = [&](int i) { return panels.plane[first + i % kPanels] * kWidth; };
#pragma GCC unroll 16
    for (int i = 0; i < kRows * kPanels; ++i) {
      load_starts(c, begin + i / kPanels, column(i), sum0[i], sum1[i]);
    }
    const auto add = [&](std::int64_t k, int p, Vector w0, Vector w1) HWY_ATTR {
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const Vector factor = hn::Set(d, row[i * a.stride + k]);
        sum0[i * kPanels + p] = Fma(d, factor, w0, sum0[i * kPanels + p]);
        sum1[i * kPanels + p] = Fma(d, factor, w1, sum1[i * kPanels + p]);
      }
    };
    const auto low = [&](const std::int32_t* pairs) HWY_ATTR {
      return hn::BitCast(d, hn::ShiftLeft<16>(hn::LoadU(words, pairs)));
    };
    const auto high = [&](const std::int32_t* pairs) HWY_ATTR {
      const WordVector mask = hn::Set(words, static_cast<std::int32_t>(0xFFFF0000U));
      return hn::BitCast(d, hn::And(hn::LoadU(words, pairs), mask));
    };
    for (std::int64_t k = 0; k < a.depth; k += 2) {
#pragma GCC unroll 16
      for (int p = 0; p < kPanels; ++p) {
        const std::int32_t* const pairs = data + p * panel_size + k / 2 * kWidth;
        add(k, p, low(pairs), low(pairs + kLanes));
        if (k + 1 < a.depth) add(k + 1, p, high(pairs), high(pairs + kLanes));
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows * kPanels; ++i) {
      float* const out = c.data + (begin + i / kPanels) * c.stride + column(i);
      hn::StoreU(sum0[i], d, out);
      hn::StoreU(sum1[i], d, out + kLanes);
    }
  }
};

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_NARROW_TILES_INL_H_
