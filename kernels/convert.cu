// SPDX-License-Identifier: Apache-2.0
#include "kernels/convert.h"
#include "kernels/formats.cuh"
#include "kernels/map.cuh"

namespace cadenza::kernels {
namespace {

struct ToBf16 {
  __device__ std::uint16_t operator()(float x) const { return Bf16Format::from(x); }
};

}  // namespace

void convert_to_bf16(const float* x, std::uint16_t* y, std::int64_t count, cudaStream_t stream) {
  map("convert_to_bf16", stream, ToBf16(), count, y, x);
}

}  // namespace cadenza::kernels
