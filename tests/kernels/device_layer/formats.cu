// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
#include "kernels/device_layer/launchers.h"
#include "kernels/formats.cuh"
#include "kernels/map.cuh"

namespace cadenza::kernels {
namespace {

struct Narrow {
  __device__ std::uint16_t operator()(float x) const { return Fp16Format::from(x); }
};

template <class Format>
struct Widen {
  __device__ float operator()(std::uint16_t x) const { return Format::to(x); }
};

}  // namespace

void narrow_to_fp16(const float* values, std::int64_t count, std::uint16_t* halves) {
  map("narrow_to_fp16", nullptr, Narrow(), count, halves, values);
}

void widen(Precision format, const std::uint16_t* values, std::int64_t count, float* wide) {
  if (format == Precision::bf16) {
    map("widen", nullptr, Widen<Bf16Format>(), count, wide, values);
  } else {
    map("widen", nullptr, Widen<Fp16Format>(), count, wide, values);
  }
}

}  // namespace cadenza::kernels
