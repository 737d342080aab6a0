// SPDX-License-Identifier: Apache-2.0
#include "add_kernel.h"
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"

namespace cadenza::test {
namespace {

__global__ void add_kernel(float* y, int count, float value) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) y[i] += value;
}

__global__ void copy_kernel(float* y, const float* x, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) y[i] = x[i];
}

kernels::LaunchConfig config_of(const char* kernel, int count, cudaStream_t stream) {
  return {.kernel = kernel,
          .shape = {count},
          .grid = dim3(static_cast<unsigned>(count + 63) / 64),
          .block = dim3(64),
          .stream = stream};
}

}  // namespace

void add(float* y, int count, float value, cudaStream_t stream) {
  kernels::launch(config_of("add", count, stream), add_kernel, y, count, value);
}

void copy_elements(float* y, const float* x, int count, cudaStream_t stream) {
  kernels::launch(config_of("copy", count, stream), copy_kernel, y, x, count);
}

}  // namespace cadenza::test
