// SPDX-License-Identifier: Apache-2.0
// For stand-ins of libraries that work on the device.
#pragma once

#include <functional>

#include "cuda_runtime_api.h"

namespace cadenza::emulation {

/// Queues `work` in the stream as one kernel: it runs in stream order, is recorded while the stream
/// is captured, and device memory is open to it. `identity` is what tells kernels apart when a
/// graph is updated.
cudaError_t enqueue_work(cudaStream_t stream, const void* identity, std::function<void()> work);

}  // namespace cadenza::emulation
