// SPDX-License-Identifier: Apache-2.0
#pragma once

// Elementary functions that give the same bits on every host and device: only IEEE-754 binary32
// add, multiply, divide and fused multiply-add, each rounded once, and integer operations. Nothing
// here may be contracted, flushed or reassociated, so fast-math modes are refused, and no product
// feeds a sum except through exact_fma().
#if defined(__FAST_MATH__) || defined(__USE_FAST_MATH__)
#error "cadenza/exact_math.h: fast-math changes results that are promised to be the same everywhere"
#endif

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cadenza/random.h"

namespace cadenza {

#if defined(__CUDA_ARCH__)
__device__ inline float exact_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ inline float exact_add(float a, float b) { return __fadd_rn(a, b); }
__device__ inline float exact_mul(float a, float b) { return __fmul_rn(a, b); }
__device__ inline float exact_div(float a, float b) { return __fdiv_rn(a, b); }
__device__ inline std::uint32_t float_bits(float x) { return __float_as_uint(x); }
__device__ inline float bits_float(std::uint32_t bits) { return __uint_as_float(bits); }
#else
CADENZA_HOST_DEVICE inline float exact_fma(float a, float b, float c) { return std::fma(a, b, c); }
CADENZA_HOST_DEVICE inline float exact_add(float a, float b) { return a + b; }
CADENZA_HOST_DEVICE inline float exact_mul(float a, float b) { return a * b; }
CADENZA_HOST_DEVICE inline float exact_div(float a, float b) { return a / b; }
CADENZA_HOST_DEVICE inline std::uint32_t float_bits(float x) {
  return std::bit_cast<std::uint32_t>(x);
}
CADENZA_HOST_DEVICE inline float bits_float(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}
#endif

/// Coefficients, highest power first. A struct, as device code can copy one but not reach an array
/// of the host.
template <int kCount>
struct Polynomial {
  float coefficients[kCount];

  CADENZA_HOST_DEVICE constexpr float operator[](int i) const { return coefficients[i]; }
};

/// Polynomials are minimax fits (Remez) in relative error.
struct ExactMath {
  /// (log1p(f) - f) / f^2 on [-1/4, 1/2], within 4.8e-9 of log1p(f).
  static constexpr Polynomial<9> kLog = {{-0x1.6feac4p-5F, 0x1.abf89ep-4F, -0x1.0d8ff6p-3F,
                                          0x1.289784p-3F, -0x1.54f23ap-3F, 0x1.99685ep-3F,
                                          -0x1.000024p-2F, 0x1.5555a6p-2F, -0x1.0p-1F}};
  /// (e^r - 1 - r) / r^2 on [-ln2 / 2, ln2 / 2], within 3.1e-9 of e^r.
  static constexpr Polynomial<5> kExp = {
      {0x1.6a2552p-10F, 0x1.123a1p-7F, 0x1.5558fp-5F, 0x1.555492p-3F, 0x1.fffffcp-2F}};
  static constexpr float kLn2 = 0x1.62e43p-1F;                  ///< ln 2 rounded to float ...
  static constexpr float kLn2Low = -0x1.05c61p-29F;             ///< ... and the rest of it
  static constexpr float kLog2E = 0x1.715476p+0F;               ///< 1 / ln 2
  static constexpr float kRoundToInteger = 12582912.0F;         ///< 1.5 * 2^23: adding it rounds
  static constexpr std::uint32_t kThreeQuarters = 0x3F400000U;  ///< bits of 0.75F
  // Device code may read constants, but not call std::numeric_limits.
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
};

/// log1p(f) + e * ln 2 for f in [-1/4, 1/2].
CADENZA_HOST_DEVICE inline float exact_log_core(float f, float e) {
  constexpr auto kLog = ExactMath::kLog;
  float q = kLog[0];
  for (int i = 1; i < 9; ++i) q = exact_fma(q, f, kLog[i]);
  return exact_fma(e, ExactMath::kLn2, exact_fma(exact_mul(f, f), q, f));
}

/// Natural logarithm, within 1 ulp. log(0) = -inf; of negative numbers NaN.
CADENZA_HOST_DEVICE inline float exact_log(float x) {
  if (!(x > 0.0F)) {
    return x == 0.0F ? -ExactMath::kInfinity : ExactMath::kNan;
  }
  if (x == ExactMath::kInfinity) return x;
  float scale_exponent = 0.0F;
  if (x < 0x1p-126F) {
    x = exact_mul(x, 0x1p24F);
    scale_exponent = -24.0F;
  }
  const std::uint32_t bits = float_bits(x);
  const auto e = static_cast<std::int32_t>(bits - ExactMath::kThreeQuarters) >> 23;
  const float m = bits_float(bits - (static_cast<std::uint32_t>(e) << 23));  // [3/4, 3/2)
  return exact_log_core(exact_add(m, -1.0F), exact_add(static_cast<float>(e), scale_exponent));
}

/// log(1 + x), within 1 ulp, also where x is tiny. log1p(-1) = -inf; below that NaN.
CADENZA_HOST_DEVICE inline float exact_log1p(float x) {
  if (!(x > -1.0F)) {
    return x == -1.0F ? -ExactMath::kInfinity : ExactMath::kNan;
  }
  if (x >= 0x1p25F) return exact_log(x);
  const std::uint32_t bits = float_bits(exact_add(1.0F, x));
  const auto e = static_cast<std::int32_t>(bits - ExactMath::kThreeQuarters) >> 23;
  const float scale = bits_float(0x3F800000U - (static_cast<std::uint32_t>(e) << 23));  // 2^-e
  // (1 + x) 2^-e - 1 in one rounding: what 1 + x lost is still in x.
  return exact_log_core(exact_fma(x, scale, exact_add(scale, -1.0F)), static_cast<float>(e));
}

/// e^x = significand * 2^exponent, significand in [0.7, 1.42]; |x| <= 200.
struct ExactExp {
  float significand;
  std::int32_t exponent;
};

CADENZA_HOST_DEVICE inline ExactExp exact_exp_parts(float x) {
  const float shifted = exact_fma(x, ExactMath::kLog2E, ExactMath::kRoundToInteger);
  const float n = exact_add(shifted, -ExactMath::kRoundToInteger);
  const float r = exact_fma(n, -ExactMath::kLn2Low, exact_fma(n, -ExactMath::kLn2, x));
  constexpr auto kExp = ExactMath::kExp;
  float q = kExp[0];
  for (int i = 1; i < 5; ++i) q = exact_fma(q, r, kExp[i]);
  return {exact_add(1.0F, exact_fma(exact_mul(r, r), q, r)), static_cast<std::int32_t>(n)};
}

/// e^x, within 1.02 ulp, with gradual underflow; overflow gives +inf.
CADENZA_HOST_DEVICE inline float exact_exp(float x) {
  if (!(x == x)) return x;
  if (x > 89.0F) return ExactMath::kInfinity;
  if (x < -104.0F) return 0.0F;
  const ExactExp parts = exact_exp_parts(x);
  // Two exact powers of two, because one alone may lie outside the range of normal floats.
  const std::int32_t half = parts.exponent / 2;
  const auto power = [](std::int32_t n) {
    return bits_float(static_cast<std::uint32_t>(n + 127) << 23);
  };
  return exact_mul(exact_mul(parts.significand, power(half)), power(parts.exponent - half));
}

}  // namespace cadenza
