// SPDX-License-Identifier: Apache-2.0
// Emulation: stands in front of the toolkit's header and lets kernels compile as C++ for the CPU.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "cuda_runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// Plain __shared__ would be a private variable here: an error says what to use instead.
#define __shared__ use_CADENZA_SHARED_or_DynamicShared
#define __cluster_dims__(...) use_the_cluster_field_of_the_launch

#include "emulation/atomics.h"
#include "emulation/bits.h"
#include "emulation/device.h"
#include "emulation/fast_math.h"
#include "emulation/launch.h"
#include "emulation/thread_functions.h"
