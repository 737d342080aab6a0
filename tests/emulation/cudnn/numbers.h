// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cudnn.h>

#include <cstdint>
#include <cstring>

namespace cadenza::cudnn_stand_in {

/// How elements are stored and factors rounded.
struct Numbers {
  cudnnDataType_t type;
  cudnnMathType_t math;

  float load(const void* data, std::int64_t i) const {
    switch (type) {
      case CUDNN_DATA_HALF:
        return __half2float(static_cast<const __half*>(data)[i]);
      case CUDNN_DATA_BFLOAT16:
        return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[i]);
      default:
        return static_cast<const float*>(data)[i];
    }
  }
  void store(void* data, std::int64_t i, float value) const {
    switch (type) {
      case CUDNN_DATA_HALF:
        static_cast<__half*>(data)[i] = __float2half_rn(value);
        break;
      case CUDNN_DATA_BFLOAT16:
        static_cast<__nv_bfloat16*>(data)[i] = __float2bfloat16_rn(value);
        break;
      default:
        static_cast<float*>(data)[i] = value;
    }
  }
  /// What is left of a value that is stored and loaded.
  float rounded(double value) const {
    float stored = 0.0F;
    store(&stored, 0, static_cast<float>(value));
    return load(&stored, 0);
  }
  /// A factor of a product: ten bits of fraction where f32 may be rounded.
  double factor(float value) const {
    if (type != CUDNN_DATA_FLOAT || math == CUDNN_FMA_MATH) return value;
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7F800000U) == 0x7F800000U) return value;
    bits = (bits + 0xFFFU + (bits >> 13 & 1U)) & ~0x1FFFU;
    std::memcpy(&value, &bits, sizeof bits);
    return value;
  }
};

}  // namespace cadenza::cudnn_stand_in
