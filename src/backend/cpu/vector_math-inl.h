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
#include <initializer_list>
#include <type_traits>

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

/// The same with body(d, vectors, i) for `vectors`, a std::integral_constant, at a time: kMost
/// where there are so many, else one.
template <int kMost, class Body>
HWY_INLINE void for_each_vectors(std::int64_t count, const Body& body) {
  const hn::ScalableTag<float> d;
  const auto many = kMost * static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + many <= count; i += many) body(d, std::integral_constant<int, kMost>(), i);
  for_each_vector(count - i, [&](auto tag, std::int64_t rest) HWY_ATTR {
    body(tag, std::integral_constant<int, 1>(), i + rest);
  });
}

/// body(0) to body(N - 1), without a loop.
template <int N, class Body>
HWY_INLINE void each(const Body& body) {
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) body(i);
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

// What takes arrays does each of its steps for all of them before the next. One is a chain of some
// twenty steps that wait for each other, longer than what a processor looks ahead.

/// The parts of e^x = scale * (1 + fraction), scale a power of two, for x in [-87, 88].
template <class V, int N>
struct ExpParts {
  V scale[N], fraction[N];
};

template <class D, class V, int N>
HWY_INLINE ExpParts<V, N> exp_parts(D d, const V (&x)[N]) {
  ExpParts<V, N> parts;
  V shifted[N], r[N], q[N];
  // 1. x = n ln 2 + r with |r| <= ln(2) / 2; adding 1.5 * 2^23 rounds to an integer.
  const V magic = hn::Set(d, 12582912.0F);
  each<N>([&](int i) HWY_ATTR { shifted[i] = Fma(d, x[i], hn::Set(d, 1.44269504F), magic); });
  each<N>([&](int i) HWY_ATTR {
    const V n = hn::Sub(shifted[i], magic);
    r[i] = Fma(d, n, hn::Set(d, -0.693359375F), x[i]);
    r[i] = Fma(d, n, hn::Set(d, 2.12194440e-4F), r[i]);
  });
  // 2. (e^r - 1) / r, relative error 1.2e-8.
  each<N>([&](int i) HWY_ATTR { q[i] = hn::Set(d, 1.393373072e-3F); });
  for (const float coefficient : {8.369220292e-3F, 4.16664642e-2F, 0.1666650461F, 0.5F, 1.0F}) {
    each<N>([&](int i) HWY_ATTR { q[i] = Fma(d, q[i], r[i], hn::Set(d, coefficient)); });
  }
  // 3. 2^n: the integer sits in the low bits of the shifted value.
  const hn::RebindToSigned<D> di;
  each<N>([&](int i) HWY_ATTR {
    const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::BitCast(di, shifted[i]), hn::Set(di, 127)));
    parts.scale[i] = hn::BitCast(d, exponent);
    parts.fraction[i] = hn::Mul(r[i], q[i]);
  });
  return parts;
}

/// e^x, relative error 2e-7; x is clamped to [-87, 88].
template <class D, class V, int N>
HWY_INLINE void Exp(D d, V (&x)[N]) {
  each<N>([&](int i) HWY_ATTR { x[i] = clamp(d, x[i], -87.0F, 88.0F); });
  const auto parts = exp_parts(d, x);
  each<N>([&](int i)
              HWY_ATTR { x[i] = Fma(d, parts.scale[i], parts.fraction[i], parts.scale[i]); });
}

/// 1 / (1 + e^-x), relative error 3e-7 for |x| < 87.
template <class D, class V, int N>
HWY_INLINE void Sigmoid(D d, V (&x)[N]) {
  const V one = hn::Set(d, 1.0F);
  each<N>([&](int i) HWY_ATTR { x[i] = hn::Neg(x[i]); });
  Exp(d, x);
  each<N>([&](int i) HWY_ATTR { x[i] = hn::Div(one, hn::Add(one, x[i])); });
}

/// tanh x = m / (m + 2) with m = e^2x - 1, relative error 4e-7, odd to the last bit near 0 only.
template <class D, class V, int N>
HWY_INLINE void Tanh(D d, V (&x)[N]) {
  each<N>([&](int i) HWY_ATTR {
    // Beyond 10 the result rounds to +-1.
    const V limited = clamp(d, x[i], -10.0F, 10.0F);
    x[i] = hn::Add(limited, limited);
  });
  const auto parts = exp_parts(d, x);
  each<N>([&](int i) HWY_ATTR {
    const V m =
        Fma(d, parts.scale[i], parts.fraction[i], hn::Sub(parts.scale[i], hn::Set(d, 1.0F)));
    x[i] = hn::Div(m, hn::Add(m, hn::Set(d, 2.0F)));
  });
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp(D d, V x) {
  V y[] = {x};
  Exp(d, y);
  return y[0];
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D d, V x) {
  V y[] = {x};
  Sigmoid(d, y);
  return y[0];
}
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Tanh(D d, V x) {
  V y[] = {x};
  Tanh(d, y);
  return y[0];
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
