// SPDX-License-Identifier: Apache-2.0
// Register tiles of products by digits, compiled once per target (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_DIGIT_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_DIGIT_PRODUCTS_INL_H_
#undef CADENZA_BACKEND_CPU_DIGIT_PRODUCTS_INL_H_
#else
#define CADENZA_BACKEND_CPU_DIGIT_PRODUCTS_INL_H_
#endif

#include <cstring>

#include "backend/cpu/digits-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// As IntegerProducts, of a format of digits-inl.h.
template <class F>
struct DigitProducts {
  static constexpr int kDigits = F::kDigits;
  static constexpr const auto& kProducts = kDigitProducts<kDigits>;
  static constexpr int kFewPanels[] = {0, 1, 1, 1};
  static constexpr int kMostRows = 3;  // three places of two vectors each

  /// The first product at a place.
  static constexpr int first_at(int place) {
    int product = 0;
    while (place_of<kDigits>(kProducts[product]) != place) ++product;
    return product;
  }

  template <int kRows, int kPanels>
  static HWY_INLINE void tile(const Operand& a, std::int64_t begin, const Panels& panels, int first,
                              const Output& c) {
    static_assert(kPanels == 1);
    constexpr Words d;
    // Where there is room every product has its own sum, so that none waits for another.
    constexpr int kSums = kRows <= 2 ? static_cast<int>(kProducts.size()) : kPlaces;
    constexpr auto sum_of = [](int product) {
      return kRows <= 2 ? product : place_of<kDigits>(kProducts[product]);
    };
    const std::int64_t row_size = a.stride * kDigits;
    const auto* const row = static_cast<const FactorDigit*>(a.data) + begin * row_size;
    const std::int64_t depth = padded_depth<F>(a.depth);
    const auto* panel = reinterpret_cast<const std::int32_t*>(
        reinterpret_cast<const typename F::Weight*>(panels.data) + first * depth * kWidth);
    const std::int64_t second = depth / kDigitBlock * kDigits * kDigitWords;  // half of the columns
    WordVector sum0[kRows * kSums], sum1[kRows * kSums];
#pragma GCC unroll 16
    for (int i = 0; i < kRows * kSums; ++i) sum0[i] = sum1[i] = hn::Zero(d);
    const std::int32_t* const offsets = panels.offsets_of(first);
#pragma GCC unroll 8
    for (int product = static_cast<int>(kProducts.size()) - 1; product >= 0; --product) {
      const int place = place_of<kDigits>(kProducts[product]);
      if (place >= F::kOffsets || product != first_at(place)) continue;
      for (int i = 0; i < kRows; ++i) {
        sum0[i * kSums + sum_of(product)] = hn::LoadU(d, offsets + place * kWidth);
        sum1[i * kSums + sum_of(product)] = hn::LoadU(d, offsets + place * kWidth + kLanes);
      }
    }
    const auto add_word = [&](const std::int32_t* words, const FactorDigit* factors) HWY_ATTR {
      WordVector w0[kDigits], w1[kDigits];
#pragma GCC unroll 4
      for (int digit = 0; digit < kDigits; ++digit) {
        w0[digit] = hn::LoadU(d, words + digit * kDigitWords);
        w1[digit] = hn::LoadU(d, words + second + digit * kDigitWords);
      }
#pragma GCC unroll 4
      for (int i = 0; i < kRows; ++i) {
        WordVector factor[kDigits];
#pragma GCC unroll 4
        for (int digit = 0; digit < kDigits; ++digit) {
          std::int32_t digits;
          std::memcpy(&digits, factors + i * row_size + digit * kDigitBlock, sizeof digits);
          factor[digit] = hn::Set(d, digits);
        }
#pragma GCC unroll 8
        for (int product = 0; product < static_cast<int>(kProducts.size()); ++product) {
          const auto& [of_factor, of_weight] = kProducts[product];
          const int at = i * kSums + sum_of(product);
          sum0[at] = add_digits(sum0[at], factor[of_factor], w0[of_weight]);
          sum1[at] = add_digits(sum1[at], factor[of_factor], w1[of_weight]);
        }
      }
    };
    for (std::int64_t k = 0; k < depth; k += kDigitBlock) {
      for (std::int64_t word = 0; word < kDigitBlock / kDigitsInWord; ++word) {
        if constexpr (kRows == 1) {
          // Digits are read side by side, which the hardware does not see through: a block ahead.
          const std::int32_t* const next = panel + kDigits * kDigitWords + word * kDigits * kLanes;
          for (int i = 0; i < kDigits * kLanes; i += kLineFloats) {
            __builtin_prefetch(next + i, 0, 3);
            __builtin_prefetch(next + second + i, 0, 3);
          }
        }
        add_word(panel + word * kLanes, row + k * kDigits + word * kDigitsInWord);
      }
      panel += kDigits * kDigitWords;
    }
    const auto total = [&](const WordVector* sums) HWY_ATTR {
      if constexpr (kSums == kPlaces) return F::total(sums);
      WordVector places[kPlaces];
      for (WordVector& place : places) place = hn::Zero(d);
#pragma GCC unroll 8
      for (int product = 0; product < static_cast<int>(kProducts.size()); ++product) {
        WordVector& place = places[place_of<kDigits>(kProducts[product])];
        place = hn::Add(place, sums[product]);
      }
      return F::total(places);
    };
    const SumsTarget target(a, panels, first, c);
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
      target.add(begin + i, total(sum0 + i * kSums), total(sum1 + i * kSums));
    }
  }

  /// All rows times panel p on the tiles of AMX; false where there are none.
  static bool multiply_by_amx(const Operand& a, const Panels& panels, int p, const Output& c,
                              AmxTiles& tiles) {
    if (!kAmx || !amx_ready()) return false;
    constexpr Words d;
    const std::int64_t row_bytes = a.stride * std::int64_t{sizeof(typename F::Code)};
    const std::int64_t depth = padded_depth<F>(a.depth);
    const std::byte* const panel =
        panels.data + p * depth * kWidth * std::int64_t{sizeof(typename F::Weight)};
    HWY_ALIGN std::int32_t sums[kPlaces][2 * kAmxRows][kAmxColumns];
    const SumsTarget target(a, panels, p, c);
    const auto total = [&](std::int64_t row, int lane) HWY_ATTR {
      const WordVector places[] = {hn::Load(d, sums[0][row] + lane),
                                   hn::Load(d, sums[1][row] + lane),
                                   hn::Load(d, sums[2][row] + lane)};
      return F::total(places);
    };
    for_each_tile_rows(a.rows, [&](std::int64_t row, std::int64_t rows) HWY_ATTR {
      const auto* const codes = static_cast<const std::uint8_t*>(a.data) + row * row_bytes;
      tiles.multiply_digits<kDigits>(codes, rows, row_bytes, panel, panels.offsets_of(p),
                                     depth / kAmxDepth, sums[0][0]);
      for (std::int64_t i = 0; i < rows; ++i) {
        target.add(row + i, total(i, 0), total(i, kLanes));
      }
    });
    return true;
  }
};

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_DIGIT_PRODUCTS_INL_H_
