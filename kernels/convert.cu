// SPDX-License-Identifier: Apache-2.0
#include "kernels/convert.h"
#include "kernels/map.cuh"

namespace cadenza::kernels {
namespace {

struct ToBf16 {
  __device__ std::uint16_t operator()(float x) const {
    return __bfloat16_as_ushort(__float2bfloat16_rn(x));
  }
};

struct ToFp16 {
  __device__ std::uint16_t operator()(float x) const {
    return __half_as_ushort(__float2half_rn(x));
  }
};

struct FromBf16 {
  __device__ float operator()(std::uint16_t x) const {
    return __uint_as_float(static_cast<unsigned>(x) << 16);
  }
};

struct FromFp16 {
  __device__ float operator()(std::uint16_t x) const { return __half2float(__ushort_as_half(x)); }
};

}  // namespace

void convert_to_bf16(const float* x, std::uint16_t* y, std::int64_t count, cudaStream_t stream) {
  map("convert_to_bf16", stream, ToBf16(), count, y, x);
}

void convert_to_fp16(const float* x, std::uint16_t* y, std::int64_t count, cudaStream_t stream) {
  map("convert_to_fp16", stream, ToFp16(), count, y, x);
}

void convert_from_bf16(const std::uint16_t* x, float* y, std::int64_t count, cudaStream_t stream) {
  map("convert_from_bf16", stream, FromBf16(), count, y, x);
}

void convert_from_fp16(const std::uint16_t* x, float* y, std::int64_t count, cudaStream_t stream) {
  map("convert_from_fp16", stream, FromFp16(), count, y, x);
}

}  // namespace cadenza::kernels
