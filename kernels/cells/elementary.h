// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/exact_math.h"

// Elementary functions of the cells, for host and device: the operations of the cpu backend
// (backend/cpu/vector_math-inl.h) one by one, each rounded once, so that the bits are the same.
// Errors and ranges are stated there.

namespace cadenza::kernels::elementary {

/// max(x, low), but NaN for NaN.
CADENZA_HOST_DEVICE inline float at_least(float x, float low) { return x < low ? low : x; }

/// x limited to [low, high], NaN for NaN.
CADENZA_HOST_DEVICE inline float clamp(float x, float low, float high) {
  return at_least(x > high ? high : x, low);
}

/// The parts of e^x = scale * (1 + fraction), scale a power of two, for x in [-87, 88].
struct ExpParts {
  float scale, fraction;
};

CADENZA_HOST_DEVICE inline ExpParts exp_parts(float x) {
  // 1. x = n ln 2 + r with |r| <= ln(2) / 2; adding 1.5 * 2^23 rounds to an integer.
  const float shifted = exact_fma(x, 1.44269504F, 12582912.0F);
  const float n = exact_add(shifted, -12582912.0F);
  const float r = exact_fma(n, 2.12194440e-4F, exact_fma(n, -0.693359375F, x));
  // 2. (e^r - 1) / r.
  float q = exact_fma(1.393373072e-3F, r, 8.369220292e-3F);
  q = exact_fma(q, r, 4.16664642e-2F);
  q = exact_fma(q, r, 0.1666650461F);
  q = exact_fma(q, r, 0.5F);
  q = exact_fma(q, r, 1.0F);
  // 3. 2^n: the integer sits in the low bits of the shifted value.
  return {bits_float((float_bits(shifted) + 127U) << 23), exact_mul(r, q)};
}

/// e^x; x is clamped to [-87, 88].
CADENZA_HOST_DEVICE inline float exp(float x) {
  const ExpParts parts = exp_parts(clamp(x, -87.0F, 88.0F));
  return exact_fma(parts.scale, parts.fraction, parts.scale);
}

/// 1 / (1 + e^-x).
CADENZA_HOST_DEVICE inline float sigmoid(float x) {
  return exact_div(1.0F, exact_add(1.0F, exp(-x)));
}

/// tanh x = m / (m + 2) with m = e^2x - 1; beyond 10 the result rounds to +-1.
CADENZA_HOST_DEVICE inline float tanh(float x) {
  const float limited = clamp(x, -10.0F, 10.0F);
  const ExpParts parts = exp_parts(exact_add(limited, limited));
  const float m = exact_fma(parts.scale, parts.fraction, exact_add(parts.scale, -1.0F));
  return exact_div(m, exact_add(m, 2.0F));
}

/// Derivative of the sigmoid where it is y: y (1 - y).
CADENZA_HOST_DEVICE inline float sigmoid_slope(float y) { return exact_fma(-y, y, y); }

/// Derivative of tanh where it is y: 1 - y^2.
CADENZA_HOST_DEVICE inline float tanh_slope(float y) { return exact_fma(-y, y, 1.0F); }

/// log(1 + e^x) = max(x, 0) + log1p(e^-|x|).
CADENZA_HOST_DEVICE inline float softplus(float x) {
  const float t = exp(bits_float(float_bits(x) | 0x80000000U));
  // log1p(t) / t on [0, 1].
  float q = exact_fma(-3.176057018e-3F, t, 1.954252726e-2F);
  q = exact_fma(q, t, -5.637361283e-2F);
  q = exact_fma(q, t, 0.105436238F);
  q = exact_fma(q, t, -0.1526966707F);
  q = exact_fma(q, t, 0.1966327426F);
  q = exact_fma(q, t, -0.2495161626F);
  q = exact_fma(q, t, 0.333297105F);
  q = exact_fma(q, t, -0.4999989265F);
  q = exact_fma(q, t, 1.0F);
  return exact_fma(t, q, at_least(x, 0.0F));
}

}  // namespace cadenza::kernels::elementary
