// SPDX-License-Identifier: Apache-2.0
// core/exact_math.h and core/draw.h on vectors, the same bits lane by lane. Included once per
// instruction set by Highway's foreach_target.

#if defined(CADENZA_BACKEND_CPU_DRAW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_DRAW_INL_H_
#undef CADENZA_BACKEND_CPU_DRAW_INL_H_
#else
#define CADENZA_BACKEND_CPU_DRAW_INL_H_
#endif

#include <hwy/highway.h>

#include "core/draw.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, 16>;
using WordTag = hn::Rebind<std::uint32_t, FloatTag>;
using IntTag = hn::Rebind<std::int32_t, FloatTag>;
using Floats = hn::Vec<FloatTag>;
using Words = hn::Vec<WordTag>;
using Ints = hn::Vec<IntTag>;
using FloatMask = hn::Mask<FloatTag>;
using WideTag = hn::Repartition<std::uint64_t, FloatTag>;
using Wide = hn::Vec<WideTag>;

/// a * b + c, rounded once, also where the instruction set has no such instruction.
HWY_INLINE Floats Fma(Floats a, Floats b, Floats c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#else
  const FloatTag df;
  HWY_ALIGN float x[16], y[16], z[16];
  hn::Store(a, df, x);
  hn::Store(b, df, y);
  hn::Store(c, df, z);
  for (std::size_t i = 0; i < hn::Lanes(df); ++i) z[i] = exact_fma(x[i], y[i], z[i]);
  return hn::Load(df, z);
#endif
}

HWY_INLINE Floats LogCore(Floats f, Floats e) {
  const FloatTag df;
  Floats q = hn::Set(df, ExactMath::kLog[0]);
  for (int i = 1; i < 9; ++i) q = Fma(q, f, hn::Set(df, ExactMath::kLog[i]));
  return Fma(e, hn::Set(df, ExactMath::kLn2), Fma(hn::Mul(f, f), q, f));
}

/// Bits of x less those of 3/4, shifted: the exponent of x when its significand is in [3/4, 3/2).
HWY_INLINE Ints LogExponent(Floats x) {
  const IntTag di;
  const auto bits = hn::BitCast(di, x);
  return hn::ShiftRight<23>(
      hn::Sub(bits, hn::Set(di, static_cast<std::int32_t>(ExactMath::kThreeQuarters))));
}

/// exact_log() of positive normal finite numbers.
HWY_INLINE Floats LogNormal(Floats x) {
  const FloatTag df;
  const IntTag di;
  const Ints e = LogExponent(x);
  const Floats m = hn::BitCast(df, hn::Sub(hn::BitCast(di, x), hn::ShiftLeft<23>(e)));
  return LogCore(hn::Sub(m, hn::Set(df, 1.0F)), hn::ConvertTo(df, e));
}

/// exact_log1p(-v) for 0 < v < 1.
HWY_INLINE Floats Log1pOfMinus(Floats v) {
  const FloatTag df;
  const IntTag di;
  const Floats one = hn::Set(df, 1.0F);
  const Ints e = LogExponent(hn::Sub(one, v));
  const Floats scale = hn::BitCast(df, hn::Sub(hn::Set(di, 0x3F800000), hn::ShiftLeft<23>(e)));
  return LogCore(Fma(hn::Neg(v), scale, hn::Sub(scale, one)), hn::ConvertTo(df, e));
}

/// draw::gumbel()
HWY_INLINE Floats Gumbel(Floats v) { return hn::Neg(LogNormal(hn::Neg(Log1pOfMinus(v)))); }

/// draw::unit(). Halves convert exactly; their sum rounds once, as the conversion of a word does.
HWY_INLINE Floats Unit(Words word) {
  const FloatTag df;
  const IntTag di;
  const Floats high = hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<16>(word)));
  const Floats low = hn::ConvertTo(df, hn::BitCast(di, hn::And(word, hn::Set(WordTag(), 0xFFFFU))));
  const Floats value = hn::Add(hn::Mul(high, hn::Set(df, 65536.0F)), low);
  const Floats v = hn::Mul(hn::Add(value, hn::Set(df, 0.5F)), hn::Set(df, 0x1p-32F));
  return hn::Min(v, hn::Set(df, draw::kBelowOne));
}

/// draw::weight() in two parts, w = high * 2^20 + low, for sums in 32-bit lanes.
struct WeightParts {
  Words high;
  Words low;
};

HWY_INLINE WeightParts Weight(Floats d) {
  const FloatTag df;
  const IntTag di;
  const WordTag du;
  const Floats x = hn::Max(d, hn::Set(df, draw::kLowest));
  const Floats round = hn::Set(df, ExactMath::kRoundToInteger);
  const Floats n = hn::Sub(Fma(x, hn::Set(df, ExactMath::kLog2E), round), round);
  const Floats r =
      Fma(n, hn::Set(df, -ExactMath::kLn2Low), Fma(n, hn::Set(df, -ExactMath::kLn2), x));
  Floats q = hn::Set(df, ExactMath::kExp[0]);
  for (int i = 1; i < 5; ++i) q = Fma(q, r, hn::Set(df, ExactMath::kExp[i]));
  const Floats p = hn::Add(hn::Set(df, 1.0F), Fma(hn::Mul(r, r), q, r));
  const Words bits = hn::BitCast(du, p);
  const Words m = hn::Or(hn::And(bits, hn::Set(du, 0x007FFFFFU)), hn::Set(du, 0x00800000U));
  // shift = -(exponent of p + n), 0 to 41; w = m << 17 >> shift
  const Ints exponent = hn::Add(hn::BitCast(di, hn::ShiftRight<23>(bits)), hn::ConvertTo(di, n));
  const Words shift = hn::BitCast(du, hn::Sub(hn::Set(di, 127), exponent));
  const Words seventeen = hn::Set(du, 17);
  const Words left = hn::Sub(seventeen, hn::Min(shift, seventeen));
  const Words right = hn::Sub(hn::Max(shift, seventeen), seventeen);
  const Words high = hn::Shr(m, hn::Min(hn::Add(shift, hn::Set(du, 3)), hn::Set(du, 31)));
  const Words low = hn::And(hn::Shr(hn::Shl(m, left), right), hn::Set(du, 0xFFFFFU));
  return {high, low};
}

/// Sum over the lanes of high * 2^20 + low, the parts being sums of at most 2^11 weights.
HWY_INLINE std::uint64_t SumParts(Words high, Words low) {
  const WideTag dw;
  const Wide mask = hn::Set(dw, 0xFFFFFFFFU);
  const auto halves = [dw, mask](Words words) {
    const Wide wide = hn::BitCast(dw, words);
    return hn::Add(hn::And(wide, mask), hn::ShiftRight<32>(wide));
  };
  return hn::GetLane(hn::SumOfLanes(dw, hn::Add(hn::ShiftLeft<20>(halves(high)), halves(low))));
}

/// draw::surprise() of even and odd lanes added.
HWY_INLINE Wide Surprise(WeightParts w, Floats d) {
  const FloatTag df;
  const WordTag du;
  const WideTag dw;
  const Floats scaled =
      hn::Mul(hn::Neg(hn::Max(d, hn::Set(df, draw::kLowest))), hn::Set(df, 0x1p24F));
  const Words q = hn::BitCast(du, hn::ConvertTo(IntTag(), scaled));
  const auto odd = [du, dw](Words words) {
    return hn::BitCast(du, hn::ShiftRight<32>(hn::BitCast(dw, words)));
  };
  const auto product = [](Words high, Words low, Words factor) {
    return hn::ShiftRight<24>(
        hn::Add(hn::ShiftLeft<20>(hn::MulEven(high, factor)), hn::MulEven(low, factor)));
  };
  return hn::Add(product(w.high, w.low, q), product(odd(w.high), odd(w.low), odd(q)));
}

/// Philox for the counters of 4 * Lanes(WideTag) tokens in order, key and upper counter words
/// given.
struct WordPair {
  Words first;   ///< tokens 4 * counter ...
  Words second;  ///< ... and the next Lanes(WordTag)
};

/// 64-bit lanes hold one 32-bit counter word each; their upper halves carry leftovers that the
/// multiplication ignores. `counter` lists the even lanes' counters, then the odd lanes', so that
/// interleaving gives words in the order of tokens.
HWY_INLINE WordPair Philox(Wide counter, const draw::NoiseKey& key) {
  const WideTag dw;
  const WordTag du;
  Wide c0 = counter;
  Wide c1 = hn::Set(dw, key.step);
  Wide c2 = hn::Set(dw, key.sequence & 0xFFFFFFFFU);
  Wide c3 = hn::Set(dw, key.sequence >> 32);
  auto key0 = static_cast<std::uint32_t>(key.seed);
  auto key1 = static_cast<std::uint32_t>(key.seed >> 32);
  const Words multiplier0 = hn::Set(du, 0xD2511F53U);
  const Words multiplier1 = hn::Set(du, 0xCD9E8D57U);
  for (int round = 0; round < 10; ++round) {
    const Wide product0 = hn::MulEven(hn::BitCast(du, c0), multiplier0);
    const Wide product1 = hn::MulEven(hn::BitCast(du, c2), multiplier1);
    c0 = hn::Xor(hn::ShiftRight<32>(product1), hn::Xor(c1, hn::Set(dw, key0)));
    c2 = hn::Xor(hn::ShiftRight<32>(product0), hn::Xor(c3, hn::Set(dw, key1)));
    c1 = product1;
    c3 = product0;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  const Wide mask = hn::Set(dw, 0xFFFFFFFFU);
  const Wide c01 = hn::Or(hn::And(c0, mask), hn::ShiftLeft<32>(c1));
  const Wide c23 = hn::Or(hn::And(c2, mask), hn::ShiftLeft<32>(c3));
  return {hn::BitCast(du, hn::InterleaveLower(dw, c01, c23)),
          hn::BitCast(du, hn::InterleaveUpper(dw, c01, c23))};
}

/// Counters 0, h, 1, h + 1, ... for Philox(), h being half the lanes.
HWY_INLINE Wide CounterOffsets() {
  const WideTag dw;
  const Wide lane = hn::Iota(dw, 0);
  const Wide odd = hn::And(lane, hn::Set(dw, 1));
  const Wide is_odd = hn::Sub(hn::Zero(dw), odd);
  return hn::Add(hn::ShiftRight<1>(lane), hn::And(is_odd, hn::Set(dw, hn::Lanes(dw) / 2)));
}

/// Scores x + noise of Lanes(FloatTag) tokens starting at `token`.
HWY_INLINE Floats Scores(Floats x, Words word, const draw::NoiseKey& key, std::size_t token) {
  const FloatTag df;
  const WordTag du;
  Floats v = Unit(word);
  const auto tail = hn::Lt(word, hn::Set(du, draw::kTailWords));
  if (HWY_UNLIKELY(!hn::AllFalse(du, tail))) {
    HWY_ALIGN float units[16];
    HWY_ALIGN std::uint32_t words[16];
    hn::Store(v, df, units);
    hn::Store(word, du, words);
    for (std::size_t i = 0; i < hn::Lanes(df); ++i) {
      if (words[i] >= draw::kTailWords) continue;
      units[i] = draw::unit_tail(
          words[i], random_bits(key.seed, {RandomPurpose::sample_tail, key.sequence, key.step,
                                           static_cast<std::uint32_t>(token + i)}));
    }
    v = hn::Load(df, units);
  }
  return hn::Add(x, Gumbel(v));
}

}  // namespace HWY_NAMESPACE
}  // namespace cadenza::cpu
HWY_AFTER_NAMESPACE();

#endif
