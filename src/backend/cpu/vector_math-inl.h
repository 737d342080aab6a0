// SPDX-License-Identifier: Apache-2.0
// Elementary functions on vectors, compiled once per target (Highway's -inl.h convention). Each is
// a fixed sequence of single-rounded operations, so all targets give the same bits. Polynomials
// are near-minimax fits by Chebyshev nodes; the errors are measured by vector_math_test.cpp.

#if defined(CADENZA_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_VECTOR_MATH_INL_H_
#undef CADENZA_VECTOR_MATH_INL_H_
#else
#define CADENZA_VECTOR_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "cadenza/backend.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Calls body(d, i) for the whole vectors of [0, count), then for single elements. Bodies are
/// elementwise, so the split changes no bits.
template <class Body>
HWY_INLINE void for_each_vector(std::int64_t count, const Body& body) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) body(d, i);
  for (; i < count; ++i) body(hn::CappedTag<float, 1>(), i);
}

/// a * b + c, rounded once.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Fma(D d, V a, V b, V c) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  constexpr std::size_t kCount = hn::MaxLanes(D());
  HWY_ALIGN float x[kCount], y[kCount], z[kCount];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (std::size_t i = 0; i < kCount; ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
#else
  static_cast<void>(d);
  return hn::MulAdd(a, b, c);
#endif
}

/// max(x, low), but NaN for NaN, which Highway's Max loses on some targets.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V at_least(D d, V x, float low) {
  const V bound = hn::Set(d, low);
  return hn::IfThenElse(hn::Lt(x, bound), bound, x);
}

/// x limited to [low, high], NaN for NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V clamp(D d, V x, float low, float high) {
  const V bound = hn::Set(d, high);
  return at_least(d, hn::IfThenElse(hn::Gt(x, bound), bound, x), low);
}

/// The parts of e^x = scale * (1 + fraction), scale a power of two, for x in [-87, 88].
template <class V>
struct ExpParts {
  V scale, fraction;
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE ExpParts<V> exp_parts(D d, V x) {
  // 1. x = n ln 2 + r with |r| <= ln(2) / 2; adding 1.5 * 2^23 rounds to an integer.
  const V magic = hn::Set(d, 12582912.0F);
  const V shifted = Fma(d, x, hn::Set(d, 1.44269504F), magic);
  const V n = hn::Sub(shifted, magic);
  V r = Fma(d, n, hn::Set(d, -0.693359375F), x);
  r = Fma(d, n, hn::Set(d, 2.12194440e-4F), r);
  // 2. (e^r - 1) / r, relative error 1.2e-8.
  V q = hn::Set(d, 1.393373072e-3F);
  q = Fma(d, q, r, hn::Set(d, 8.369220292e-3F));
  q = Fma(d, q, r, hn::Set(d, 4.16664642e-2F));
  q = Fma(d, q, r, hn::Set(d, 0.1666650461F));
  q = Fma(d, q, r, hn::Set(d, 0.5F));
  q = Fma(d, q, r, hn::Set(d, 1.0F));
  // 3. 2^n: the integer sits in the low bits of the shifted value.
  const hn::RebindToSigned<D> di;
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::BitCast(di, shifted), hn::Set(di, 127)));
  return {hn::BitCast(d, exponent), hn::Mul(r, q)};
}

/// e^x, relative error 2e-7; x is clamped to [-87, 88].
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  const auto parts = exp_parts(d, clamp(d, x, -87.0F, 88.0F));
  return Fma(d, parts.scale, parts.fraction, parts.scale);
}

/// 1 / (1 + e^-x), relative error 3e-7 for |x| < 87.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, Exp(d, hn::Neg(x))));
}

/// tanh x = m / (m + 2) with m = e^2x - 1, relative error 4e-7, odd to the last bit near 0 only.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  // Beyond 10 the result rounds to +-1.
  const V limited = clamp(d, x, -10.0F, 10.0F);
  const auto parts = exp_parts(d, hn::Add(limited, limited));
  const V m = Fma(d, parts.scale, parts.fraction, hn::Sub(parts.scale, hn::Set(d, 1.0F)));
  return hn::Div(m, hn::Add(m, hn::Set(d, 2.0F)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Activate(D d, Activation kind, V x) {
  switch (kind) {
    case Activation::identity:
      break;
    case Activation::sigmoid:
      return Sigmoid(d, x);
    case Activation::tanh:
      return Tanh(d, x);
    case Activation::relu:
      return at_least(d, x, 0.0F);
  }
  return x;
}

/// Derivative of the sigmoid where it is y: y (1 - y).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid_slope(D d, V y) {
  return Fma(d, hn::Neg(y), y, y);
}

/// Derivative of tanh where it is y: 1 - y^2.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh_slope(D d, V y) {
  return Fma(d, hn::Neg(y), y, hn::Set(d, 1.0F));
}

/// log(1 + e^x) = max(x, 0) + log1p(e^-|x|), error 2e-7 relative to the larger of it and x.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Softplus(D d, V x) {
  const V t = Exp(d, hn::Neg(hn::Abs(x)));
  // log1p(t) / t on [0, 1].
  V q = hn::Set(d, -3.176057018e-3F);
  q = Fma(d, q, t, hn::Set(d, 1.954252726e-2F));
  q = Fma(d, q, t, hn::Set(d, -5.637361283e-2F));
  q = Fma(d, q, t, hn::Set(d, 0.105436238F));
  q = Fma(d, q, t, hn::Set(d, -0.1526966707F));
  q = Fma(d, q, t, hn::Set(d, 0.1966327426F));
  q = Fma(d, q, t, hn::Set(d, -0.2495161626F));
  q = Fma(d, q, t, hn::Set(d, 0.333297105F));
  q = Fma(d, q, t, hn::Set(d, -0.4999989265F));
  q = Fma(d, q, t, hn::Set(d, 1.0F));
  return Fma(d, t, q, at_least(d, x, 0.0F));
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_VECTOR_MATH_INL_H_
