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
// as bytes there would have to be widened first, or their neighbours be bounded as those of int8
// are.
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

/// Digits lie in [-128, 127]. Codes of factors come kZero higher, and digits without a sign are
/// bytes of that, for which sums start so much lower. A row is blocks of the lowest digits, the
/// next and so on; a panel is [halves of the columns, blocks, digits, words, lanes].
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
      auto some = hn::And(codes, low);
      if constexpr (kSignedDigits) some = hn::Sub(some, hn::Set(d, 128));
      hn::StoreU(hn::DemoteTo(narrow, some), narrow, digits + digit * kDigitBlock);
      codes = hn::ShiftRight<8>(codes);
    }
  }

  /// From `count` rows of weights, a block at most and the rest taken for 0, to the tiles of a
  /// vector of outputs; adds up each digit's in `sums`. `inverse`: what makes codes of weights.
  static HWY_INLINE void pack(const float* weights, std::int64_t stride, std::int64_t count,
                              Vector inverse, std::int32_t* tiles, WordVector* sums) {
    const Real real;
    constexpr Words d;
    constexpr bool kBytes = kDigitsInWord == 4;
    constexpr int kBits = 32 / kDigitsInWord;
    // Bytes of a code and this are its digits, each 128 higher.
    const WordVector carry = hn::Set(d, kDigits == 3 ? 0x808080 : 0x8080);
    const WordVector ones = hn::Set(d, kBytes ? 0x01010101 : 0x00010001);
    const WordVector low = hn::Set(d, 255);
    for (std::int64_t word = 0; word < kDigitBlock / kDigitsInWord; ++word) {
      WordVector codes[kDigitsInWord];
#pragma GCC unroll 4
      for (std::int64_t i = 0; i < kDigitsInWord; ++i) {
        const std::int64_t k = word * kDigitsInWord + i;
        codes[i] = carry;
        if (k >= count) continue;
        const Vector scaled = hn::Mul(hn::LoadU(real, weights + k * stride), inverse);
        codes[i] = hn::Add(hn::NearestInt(scaled), carry);
      }
#pragma GCC unroll 4
      for (int digit = 0; digit < kDigits; ++digit) {
        WordVector digits = hn::Zero(d);
#pragma GCC unroll 4
        for (int i = kDigitsInWord - 1; i >= 0; --i) {
          WordVector some = hn::And(codes[i], low);
          if constexpr (!kBytes) some = hn::And(hn::Sub(some, hn::Set(d, 128)), hn::Set(d, 0xFFFF));
          digits = hn::Or(hn::ShiftLeft<kBits>(digits), some);
          codes[i] = hn::ShiftRight<8>(codes[i]);
        }
        if constexpr (kBytes) {
          digits = hn::Xor(digits, hn::Set(d, static_cast<std::int32_t>(0x80808080)));
        }
        sums[digit] = add_digits(sums[digit], ones, digits);
        hn::StoreU(digits, d, tiles + digit * kDigitWords + word * kLanes);
      }
    }
  }
};

#if HWY_TARGET == HWY_AVX3_DL
/// int16 on the tiles of AMX.
struct Int16Digits : Digits<2> {
  static constexpr int kOffsets = 1;  ///< places whose sums do not start from 0
  static constexpr bool kOneSum = true;
  static constexpr bool kBoundsPairs = false;
  static constexpr float kLevels = Int16::kLevels;
  static constexpr float kMostWeight = Int16::kMostWeight;
  static constexpr float kUnitOfSum = 1.0F;
  static constexpr int kZero = 8192;

  /// What sums start from, by the sums of each digit of an output's weights.
  static HWY_INLINE void set_offsets(const WordVector* sums, std::int32_t* offsets) {
    constexpr Words d;
    const WordVector sum = hn::Add(sums[0], hn::ShiftLeft<8>(sums[1]));
    hn::StoreU(hn::Mul(sum, hn::Set(d, -kZero)), d, offsets);
  }
  /// The sum, modulo 2^32, of which these are the places.
  static HWY_INLINE Vector total(const WordVector* places) {
    const WordVector high = hn::Add(places[1], hn::ShiftLeft<8>(places[2]));
    return hn::ConvertTo(Real(), hn::Add(places[0], hn::ShiftLeft<8>(high)));
  }
};
#endif

struct Int24 : Digits<3> {
  static constexpr int kOffsets = kPlaces;
  static constexpr bool kOneSum = false;
  static constexpr bool kBoundsPairs = false;
  static constexpr float kLevels = 8323072.0F;  ///< 127 * 2^16: what rounding adds has digits too
  static constexpr float kMostWeight = kLevels;
  static constexpr float kUnitOfSum = 65536.0F;  ///< the lowest place is that of 256^2
  static constexpr int kZero = 0x808080;         ///< 128 in each digit

  static HWY_INLINE void set_offsets(const WordVector* sums, std::int32_t* offsets) {
    constexpr Words d;
    WordVector all[kPlaces];
    for (WordVector& offset : all) offset = hn::Zero(d);
    for (const DigitProduct& product : kDigitProducts<kDigits>) {
      if (kSignedDigits) continue;
      WordVector& offset = all[place_of<kDigits>(product)];
      offset = hn::Sub(offset, hn::ShiftLeft<7>(sums[product.weight]));
    }
    for (int place = 0; place < kOffsets; ++place)
      hn::StoreU(all[place], d, offsets + place * kWidth);
  }
  static HWY_INLINE Vector total(const WordVector* places) {
    const Real d;
    const auto sum = [&](int place) HWY_ATTR { return hn::ConvertTo(d, places[place]); };
    return Fma(d, sum(2), hn::Set(d, 65536.0F), Fma(d, sum(1), hn::Set(d, 256.0F), sum(0)));
  }
};

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_DIGITS_INL_H_
