// SPDX-License-Identifier: Apache-2.0
// The integer formats of products.h as types, compiled once per target (Highway's -inl.h
// convention).

#if defined(CADENZA_BACKEND_CPU_INTEGERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_INTEGERS_INL_H_
#undef CADENZA_BACKEND_CPU_INTEGERS_INL_H_
#else
#define CADENZA_BACKEND_CPU_INTEGERS_INL_H_
#endif

#include "backend/cpu/amx.h"
#include "backend/cpu/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// Whether products may go to the tiles of AMX, where the processor has them.
constexpr bool kAmx = HWY_TARGET == HWY_AVX3_DL;

using Words = hn::ScalableTag<std::int32_t>;
using WordVector = hn::Vec<Words>;

#if HWY_TARGET == HWY_AVX3_DL
// As text, because Highway 1.0 does not tell the compiler that this target has VNNI.
HWY_INLINE WordVector vpdpwssd(WordVector sum, WordVector a, WordVector b) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
}
HWY_INLINE WordVector vpdpbusd(WordVector sum, WordVector a, WordVector b) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
}
#endif

/// sum + the products of the two 16-bit numbers in each word of a and b.
HWY_INLINE WordVector add_pairs(WordVector sum, WordVector a, WordVector b) {
#if HWY_TARGET == HWY_AVX3_DL
  return vpdpwssd(sum, a, b);
#elif HWY_TARGET == HWY_AVX2
  // As text, or g++ makes the products of many rows first and keeps the sums in memory: all 16
  // registers are taken.
  auto total = sum.raw;
  decltype(total) products;
  asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
      : "+x"(total), "=&x"(products)
      : "x"(a.raw), "x"(b.raw));
  return WordVector{total};
#elif HWY_TARGET == HWY_AVX3
  const hn::Repartition<std::int16_t, Words> d;
  WordVector unused = sum;
  return hn::ReorderWidenMulAccumulate(Words(), hn::BitCast(d, a), hn::BitCast(d, b), sum, unused);
#else
  const auto low = [](WordVector x) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(x)); };
  const auto high = [](WordVector x) { return hn::ShiftRight<16>(x); };
  return hn::Add(sum, hn::Add(hn::Mul(low(a), low(b)), hn::Mul(high(a), high(b))));
#endif
}

#if HWY_TARGET == HWY_AVX2
/// sum + the products of the four bytes in each word of a, without a sign, and of b, with one:
/// those of two neighbours together must not leave 16 bits.
HWY_INLINE WordVector add_bytes(WordVector sum, WordVector a, WordVector b) {
  alignas(32) static constexpr std::int16_t kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1,
                                                         1, 1, 1, 1, 1, 1, 1, 1};
  auto total = sum.raw;
  decltype(total) products;
  asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
      : "+x"(total), "=&x"(products)
      : "x"(a.raw), "x"(b.raw), "m"(kOnes));
  return WordVector{total};
}
#endif

/// Words of two 16-bit numbers from the bytes kHalf and kHalf + 2 of each word.
template <int kHalf>
HWY_INLINE WordVector widen_bytes(WordVector bytes) {
#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  const hn::Repartition<std::int16_t, Words> d;
  auto pairs = hn::BitCast(d, bytes);
  if constexpr (kHalf == 0) pairs = hn::ShiftLeft<8>(pairs);
  return hn::BitCast(Words(), hn::ShiftRight<8>(pairs));
#else
  const WordVector low = hn::ShiftRight<24>(hn::ShiftLeft<24 - 8 * kHalf>(bytes));
  const WordVector high = hn::ShiftRight<24>(hn::ShiftLeft<8 - 8 * kHalf>(bytes));
  return hn::Or(hn::And(low, hn::Set(Words(), 0xFFFF)), hn::ShiftLeft<16>(high));
#endif
}

/// Codes of a row from i on, a code after the other.
template <class Code, class D, class V>
HWY_INLINE void store_codes(D /*d*/, V codes, Code* row, std::int64_t i) {
  const hn::Rebind<Code, hn::RebindToFloat<D>> narrow;
  hn::StoreU(hn::DemoteTo(narrow, codes), narrow, row + i);
}

// A word of weights holds kInWord of an output, kSteps words of factors long; panels are padded to
// kUnit factors. store() puts codes, kZero higher, at their places in a row.

struct Int16 {
  using Weight = std::int16_t;
  using Code = std::int16_t;
  static constexpr int kDigits = 1;
  static constexpr int kInWord = 2;
  static constexpr int kUnit = 2;
  static constexpr int kSteps = 1;
  static constexpr bool kOneSum = true;  ///< all products are summed as one integer
  /// Whether kMostWeight bounds the magnitudes of inputs 2i and 2i + 1 together.
  static constexpr bool kBoundsPairs = false;
  static constexpr float kLevels = 8192.0F;
  static constexpr float kMostWeight = 32639.0F;  ///< 127 * 256 + 127: see Digits
  static constexpr int kZero = 0;                 ///< the code of 0

  template <class D, class V>
  static HWY_INLINE void store(D d, V codes, Code* row, std::int64_t i) {
    store_codes(d, codes, row, i);
  }
  template <int kStep>
  static HWY_INLINE WordVector weights(WordVector words) {
    return words;
  }
  static HWY_INLINE WordVector add(WordVector sum, WordVector factors, WordVector weights) {
    return add_pairs(sum, factors, weights);
  }
  static HWY_INLINE WordVector arrange(WordVector weights) { return weights; }
};

/// With AVX2 and with VNNI factors are bytes without a sign, 128 more than their value, for which
/// sums start so much lower. Otherwise weights become words of 16 bits where they are read.
struct Int8 {
  using Weight = std::int8_t;
  static constexpr int kDigits = 1;
  static constexpr int kInWord = 4;
  static constexpr bool kOneSum = true;
  static constexpr bool kBoundsPairs = true;
  static constexpr float kLevels = 127.0F;
  static constexpr float kMostWeight = 127.0F;

  template <class Code, class D, class V>
  static HWY_INLINE void store(D d, V codes, Code* row, std::int64_t i) {
    store_codes(d, codes, row, i);
  }
#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX2
  using Code = std::uint8_t;
  static constexpr int kUnit = kAmx ? kAmxDepth : 4;
  static constexpr int kSteps = 1;
  static constexpr int kZero = 128;

  template <int kStep>
  static HWY_INLINE WordVector weights(WordVector words) {
    return words;
  }
  static HWY_INLINE WordVector add(WordVector sum, WordVector factors, WordVector weights) {
#if HWY_TARGET == HWY_AVX3_DL
    static_assert(kWidth == kAmxColumns);
    return vpdpbusd(sum, factors, weights);
#else
    return add_bytes(sum, factors, weights);
#endif
  }
  static HWY_INLINE WordVector arrange(WordVector weights) { return weights; }
#else
  using Code = std::int16_t;
  static constexpr int kUnit = 4;
  static constexpr int kSteps = 2;
  static constexpr int kZero = 0;

  template <int kStep>
  static HWY_INLINE WordVector weights(WordVector words) {
    return widen_bytes<kStep>(words);
  }
  static HWY_INLINE WordVector add(WordVector sum, WordVector factors, WordVector weights) {
    return add_pairs(sum, factors, weights);
  }
  /// Bytes 1 and 2 change places, so that widen_bytes() finds neighbours.
  static HWY_INLINE WordVector arrange(WordVector weights) {
    const auto part = [&](std::uint32_t mask, WordVector words) HWY_ATTR {
      return hn::And(words, hn::Set(Words(), static_cast<std::int32_t>(mask)));
    };
    return hn::Or(part(0xFF0000FF, weights), hn::Or(part(0xFF0000, hn::ShiftLeft<8>(weights)),
                                                    part(0xFF00, hn::ShiftRight<8>(weights))));
  }
#endif
};

template <class F>
constexpr std::int64_t padded_depth(std::int64_t depth) {
  return (depth + F::kUnit - 1) / F::kUnit * F::kUnit;
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_INTEGERS_INL_H_
