// SPDX-License-Identifier: Apache-2.0
// Products of integers on the tiles of AMX, compiled once per target (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_AMX_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_AMX_PRODUCTS_INL_H_
#undef CADENZA_BACKEND_CPU_AMX_PRODUCTS_INL_H_
#else
#define CADENZA_BACKEND_CPU_AMX_PRODUCTS_INL_H_
#endif

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "backend/cpu/operands-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL
/// The sum of which these are the products of digits to the base of 256, low * low, low * high,
/// high * low, high * high, modulo 2^32.
HWY_INLINE WordVector at_places(const WordVector* sums) {
  const WordVector middle = hn::Add(sums[1], sums[2]);
  return hn::Add(sums[0], hn::Add(hn::ShiftLeft<8>(middle), hn::ShiftLeft<16>(sums[3])));
}

/// All rows of c += those of a times panel p, on the tiles of AMX.
template <class F>
void multiply_on_tiles(const Operand& a, const Panels& panels, int p, const Output& c,
                       AmxTiles& tiles) {
  constexpr Words d;
  constexpr bool kDigits = std::is_same_v<F, Int16Digits>;
  constexpr std::int64_t kMost = kDigits ? kAmxRows : 2 * kAmxRows;
  const std::int64_t row_bytes = a.stride * std::int64_t{sizeof(typename F::Code)};
  const std::int64_t depth = padded_depth<F>(a.depth);
  const std::byte* const panel =
      panels.data + p * depth * kWidth * std::int64_t{sizeof(typename F::Weight)};
  const std::int32_t* const offsets = panels.offsets + p * kWidth;
  const WordVector offset0 = hn::LoadU(d, offsets);
  const WordVector offset1 = hn::LoadU(d, offsets + kLanes);
  HWY_ALIGN std::int32_t sums[kDigits ? 4 : 1][kMost][kWidth];
  const auto sum_of = [&](std::int64_t row, int lane) HWY_ATTR {
    const auto at = [&](int digits) HWY_ATTR { return hn::Load(d, sums[digits][row] + lane); };
    if constexpr (kDigits) {
      const WordVector products[] = {at(0), at(1), at(2), at(3)};
      return at_places(products);
    }
    return at(0);
  };
  std::int64_t each = 0;
  for (std::int64_t row = 0; row < a.rows; row += each) {
    const std::int64_t left = a.rows - row;
    each = left >= kMost ? kMost : std::min(left, kAmxRows);
    const auto* const codes = static_cast<const std::uint8_t*>(a.data) + row * row_bytes;
    if constexpr (kDigits) {
      tiles.multiply_digits(codes, each, row_bytes, panel, depth / kAmxDepth, sums[0][0]);
    } else {
      tiles.multiply(codes, each, row_bytes, panel, depth / kAmxDepth, sums[0][0]);
    }
    for (std::int64_t i = 0; i < each; ++i) {
      add_sums(a, panels, p, row + i, hn::Add(sum_of(i, 0), offset0),
               hn::Add(sum_of(i, kLanes), offset1), c);
    }
  }
}

/// As IntegerProducts, where there are tiles; a few rows go without them, which read as fast.
struct DigitProducts {
  static constexpr int kFewPanels[] = {0, 1, 1, 1};

  static void whole_panel(const Operand& a, const Panels& panels, int p, const Output& c,
                          AmxTiles& tiles) {
    multiply_on_tiles<Int16Digits>(a, panels, p, c, tiles);
  }

  template <int kRows, int kPanels>
  static HWY_INLINE void tile(const Operand& a, const Panels& panels, int first, const Output& c) {
    static_assert(kPanels == 1);
    constexpr Words d;
    constexpr int kSums = 4;  // as at_places() takes them
    const auto* const row = static_cast<const std::uint8_t*>(a.data);
    const std::int64_t depth = padded_depth<Int16Digits>(a.depth);
    const auto* const panel =
        reinterpret_cast<const std::int32_t*>(panels.data) + first * depth / 2 * kWidth;
    WordVector sum0[kRows * kSums], sum1[kRows * kSums];
#pragma GCC unroll 16
    for (int i = 0; i < kRows * kSums; ++i) sum0[i] = sum1[i] = hn::Zero(d);
    const auto add_quad = [&](const std::int32_t* words, const std::uint8_t* factors) HWY_ATTR {
#pragma GCC unroll 2
      for (int weight = 0; weight < 2; ++weight) {
        const WordVector w0 = hn::LoadU(d, words + weight * kDigitTileWords);
        const WordVector w1 = hn::LoadU(d, words + (2 + weight) * kDigitTileWords);
#pragma GCC unroll 4
        for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
          for (int factor = 0; factor < 2; ++factor) {
            std::int32_t digits;
            std::memcpy(&digits, factors + i * a.stride * 2 + factor * kAmxDepth, sizeof digits);
            const WordVector broadcast = hn::Set(d, digits);
            const int at = i * kSums + weight * 2 + factor;
            sum0[at] = vpdpbusd(sum0[at], broadcast, w0);
            sum1[at] = vpdpbusd(sum1[at], broadcast, w1);
          }
        }
      }
    };
    for (std::int64_t k = 0; k < depth; k += kAmxDepth) {
      for (int quad = 0; quad < 16; ++quad) {
        add_quad(panel + k / 2 * kWidth + quad * kLanes, row + k * 2 + quad * 4);
      }
    }
    const std::int32_t* const offset = panels.offsets + first * kWidth;
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
      add_sums(a, panels, first, i, hn::Add(hn::LoadU(d, offset), at_places(sum0 + i * kSums)),
               hn::Add(hn::LoadU(d, offset + kLanes), at_places(sum1 + i * kSums)), c);
    }
  }
};
#endif

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_AMX_PRODUCTS_INL_H_
