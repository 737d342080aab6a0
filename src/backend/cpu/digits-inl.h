// SPDX-License-Identifier: Apache-2.0
// The formats of products.h whose integers are digits (digits.h), compiled once per target
// (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_DIGITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_DIGITS_INL_H_
#undef CADENZA_BACKEND_CPU_DIGITS_INL_H_
#else
#define CADENZA_BACKEND_CPU_DIGITS_INL_H_
#endif

#include <array>

#include "backend/cpu/digits.h"
#include "backend/cpu/operands-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

// How digits are kept. With VNNI as bytes, those of factors without a sign; elsewhere in 16 bits,
// as the products of bytes there would have to be widened first.
#if HWY_TARGET == HWY_AVX3_DL
using FactorDigit = std::uint8_t;
using WeightDigit = std::int8_t;
constexpr bool kSignedDigits = false;
#else
using FactorDigit = std::int16_t;
using WeightDigit = std::int16_t;
constexpr bool kSignedDigits = true;
#endif
constexpr int kDigitsInWord = 4 / sizeof(WeightDigit);
/// Of a digit of the weights of a block for a vector of outputs: a tile of AMX.
constexpr std::int64_t kDigitWords = kDigitBlock / kDigitsInWord * kLanes;

/// sum + the products of the digits in each word of a and b.
HWY_INLINE WordVector add_digits(WordVector sum, WordVector factors, WordVector weights) {
#if HWY_TARGET == HWY_AVX3_DL
  return vpdpbusd(sum, factors, weights);
#else
  return add_pairs(sum, factors, weights);
#endif
}

/// Digits of factors lie in [0, 255], but for the highest, which has the sign; where it must not
/// have one, codes are kZero higher, and sums start so much lower. Those of weights lie in
/// [-128, 127]. A row is blocks of the lowest digits, the next and so on; a panel is
/// [blocks, halves of the columns, digits, words, lanes].
template <int kDigits_>
struct Digits {
  static constexpr int kDigits = kDigits_;
  using Code = std::array<FactorDigit, kDigits>;
  using Weight = std::array<WeightDigit, kDigits>;
  static constexpr std::int64_t kUnit = kDigitBlock;

  template <class D, class V>
  static HWY_INLINE void store(D d, V codes, Code* row, std::int64_t i) {
    const hn::RebindToFloat<D> real;
    const hn::Rebind<FactorDigit, decltype(real)> narrow;
    auto* const digits = reinterpret_cast<FactorDigit*>(row) +
                         i / kDigitBlock * kDigits * kDigitBlock + i % kDigitBlock;
    const auto low = hn::Set(d, 255);
    for (int digit = 0; digit < kDigits; ++digit) {
      const bool highest = digit + 1 == kDigits;
      const auto some = highest && kSignedDigits ? codes : hn::And(codes, low);
      hn::StoreU(hn::DemoteTo(narrow, some), narrow, digits + digit * kDigitBlock);
      codes = hn::ShiftRight<8>(codes);
    }
  }

  /// A block of one unit's weights, whose codes lie in `codes`: digit by digit, [kDigits, rows of
  /// kDigitBlock], `stride` apart; adds up the sums of each.
  static HWY_INLINE void split(const std::int32_t* codes, WeightDigit* digits, std::int64_t stride,
                               std::int32_t* sums) {
    constexpr Words d;
    const hn::Rebind<WeightDigit, Real> narrow;
    const WordVector half = hn::Set(d, 128);
    WordVector sum[kDigits];
    for (WordVector& digit_sum : sum) digit_sum = hn::Zero(d);
    for (std::int64_t i = 0; i < kDigitBlock; i += kLanes) {
      WordVector rest = hn::Load(d, codes + i);
      for (int digit = 0; digit < kDigits; ++digit) {
        const WordVector higher = hn::ShiftRight<8>(hn::Add(rest, half));
        const WordVector some = hn::Sub(rest, hn::ShiftLeft<8>(higher));
        sum[digit] = hn::Add(sum[digit], some);
        hn::StoreU(hn::DemoteTo(narrow, some), narrow, digits + digit * stride + i);
        rest = higher;
      }
    }
    for (int digit = 0; digit < kDigits; ++digit) {
      sums[digit] += hn::GetLane(hn::SumOfLanes(d, sum[digit]));
    }
  }
};

#if HWY_TARGET == HWY_AVX3_DL
/// int16 on the tiles of AMX.
struct Int16Digits : Digits<2> {
  static constexpr bool kOneSum = true;
  static constexpr float kLevels = Int16::kLevels;
  static constexpr float kMostWeight = Int16::kMostWeight;
  static constexpr float kUnitOfSum = 1.0F;
  static constexpr int kZero = 8192;

  /// What sums start from, by the sums of the digits of all weights of an output.
  static void set_offsets(const std::int32_t* sums, std::int32_t* offsets, std::int64_t /*stride*/) {
    offsets[0] = -kZero * (sums[0] + 256 * sums[1]);
  }
  /// The sum, modulo 2^32, of which these are the places.
  static HWY_INLINE Vector total(const WordVector* places, const std::int32_t* offsets) {
    const WordVector high = hn::Add(places[1], hn::ShiftLeft<8>(places[2]));
    const WordVector low = hn::Add(places[0], hn::LoadU(Words(), offsets));
    return hn::ConvertTo(Real(), hn::Add(low, hn::ShiftLeft<8>(high)));
  }
};
#endif

struct Int24 : Digits<3> {
  static constexpr bool kOneSum = false;
  static constexpr float kLevels = 8388607.0F;
  static constexpr float kMostWeight = 8323072.0F;  ///< 127 * 2^16, digits enough for rounding
  static constexpr float kUnitOfSum = 65536.0F;     ///< the lowest place is that of 256^2
  static constexpr int kZero = kSignedDigits ? 0 : 0x800000;

  static void set_offsets(const std::int32_t* sums, std::int32_t* offsets, std::int64_t stride) {
    for (int place = 0; place < kPlaces; ++place) {
      offsets[place * stride] = -(kZero >> 16) * sums[place];
    }
    offsets[0] += (sums[0] + sums[1]) >> 1;  // products that are left out: see products.h
  }
  static HWY_INLINE Vector total(const WordVector* places, const std::int32_t* offsets) {
    const Real d;
    const auto sum = [&](int place) HWY_ATTR {
      const WordVector offset = hn::LoadU(Words(), offsets + place * kWidth);
      return hn::ConvertTo(d, hn::Add(places[place], offset));
    };
    return Fma(d, sum(2), hn::Set(d, 65536.0F), Fma(d, sum(1), hn::Set(d, 256.0F), sum(0)));
  }
};

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_DIGITS_INL_H_
