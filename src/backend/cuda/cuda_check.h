// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "cadenza/error.h"

namespace cadenza::cuda {

/// Throws DeviceError with the text of the call, where it stands and CUDA's words.
inline void throw_if_failed(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  throw DeviceError(message(call, " failed: ", cudaGetErrorString(status), " (",
                            cudaGetErrorName(status), ", ", file, ":", line, ")"));
}

}  // namespace cadenza::cuda

#define CADENZA_CUDA_CHECK(call) ::cadenza::cuda::throw_if_failed((call), #call, __FILE__, __LINE__)
