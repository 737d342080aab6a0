// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
#include "kernels/probe.h"

namespace cadenza::kernels {
namespace {

__global__ void probe_kernel() {}

}  // namespace

bool runs_on_device(int device) {
  if (cudaSetDevice(device) != cudaSuccess) return false;
  cudaFuncAttributes attributes = {};
  const bool runs = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(
                                                           probe_kernel)) == cudaSuccess;
  if (!runs) static_cast<void>(cudaGetLastError());
  return runs;
}

}  // namespace cadenza::kernels
