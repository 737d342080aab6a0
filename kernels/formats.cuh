// SPDX-License-Identifier: Apache-2.0
// Element types of arrays that are not f32 everywhere, chosen at run time by the precision.
#pragma once

#include "cadenza/backend.h"
#include "kernels/device/kernel.h"

namespace cadenza::kernels {

struct WideFormat {
  using Element = float;
  __device__ static Element from(float x) { return x; }
  __device__ static float to(Element x) { return x; }
};

struct Bf16Format {
  using Element = std::uint16_t;
  __device__ static Element from(float x) { return __bfloat16_as_ushort(__float2bfloat16_rn(x)); }
  __device__ static float to(Element x) { return __uint_as_float(static_cast<unsigned>(x) << 16); }
};

struct Fp16Format {
  using Element = std::uint16_t;
  __device__ static Element from(float x) { return __half_as_ushort(__float2half_rn(x)); }
  __device__ static float to(Element x) { return __half2float(__ushort_as_half(x)); }
};

/// function(format) with the format of `precision`: f32 for fp32 and tf32.
template <typename Function>
void with_format(Precision precision, const Function& function) {
  switch (precision) {
    case Precision::bf16:
      return function(Bf16Format());
    case Precision::fp16:
      return function(Fp16Format());
    default:
      return function(WideFormat());
  }
}

}  // namespace cadenza::kernels
