// SPDX-License-Identifier: Apache-2.0
// The device layer: the one header a kernel file includes before anything else, and nothing from
// CUDA. The same kernel text then compiles for the GPU and, with the shadow headers of
// tests/emulation first in the include path, for the CPU.
#pragma once

#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/device/async_copy.h"
#include "kernels/device/barriers.h"
#include "kernels/device/cluster.h"
#include "kernels/device/memory_order.h"
#include "kernels/device/shared.h"
#include "kernels/device/vector_access.h"
#include "kernels/device/warp_mma.h"
