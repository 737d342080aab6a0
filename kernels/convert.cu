// SPDX-License-Identifier: Apache-2.0
#include "kernels/convert.h"
#include "kernels/formats.cuh"
#include "kernels/map.cuh"

namespace cadenza::kernels {
namespace {

template <class Format>
struct To {
  __device__ std::uint16_t operator()(float x) const { return Format::from(x); }
};

template <class Format>
struct From {
  __device__ float operator()(std::uint16_t x) const { return Format::to(x); }
};

}  // namespace

void convert_to_bf16(const float* x, std::uint16_t* y, std::int64_t count, cudaStream_t stream) {
  map("convert_to_bf16", stream, To<Bf16Format>(), count, y, x);
}

void convert_to_fp16(const float* x, std::uint16_t* y, std::int64_t count, cudaStream_t stream) {
  map("convert_to_fp16", stream, To<Fp16Format>(), count, y, x);
}

void convert_from_bf16(const std::uint16_t* x, float* y, std::int64_t count, cudaStream_t stream) {
  map("convert_from_bf16", stream, From<Bf16Format>(), count, y, x);
}

void convert_from_fp16(const std::uint16_t* x, float* y, std::int64_t count, cudaStream_t stream) {
  map("convert_from_fp16", stream, From<Fp16Format>(), count, y, x);
}

}  // namespace cadenza::kernels
