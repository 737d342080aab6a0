// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/backend.h"

namespace cadenza::kernels {

/// DropoutArgs on f32 arrays: the mask of the reference and the bits of the cpu backend.
void dropout(const DropoutArgs& args, cudaStream_t stream);

}  // namespace cadenza::kernels
