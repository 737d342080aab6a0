// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "backend/cuda/handles.h"
#include "bench/timer.h"

namespace cadenza::bench {

/// By two events on the stream of the work, so that the wait of the host does not count.
class CudaTimer final : public Timer {
 public:
  explicit CudaTimer(cudaStream_t stream);
  void start() override;
  double stop() override;

 private:
  cudaStream_t stream_;
  cuda::Event begin_;
  cuda::Event end_;
};

}  // namespace cadenza::bench
