// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include "backend/cuda/handles.h"

namespace cadenza::micro {

/// Seconds on a stream between two events.
class EventTimer {
 public:
  EventTimer() : begin_(make()), end_(make()) {}

  template <typename Work>
  double measure(cudaStream_t stream, const Work& work) const {
    CADENZA_CUDA_CHECK(cudaEventRecord(begin_.get(), stream));
    work();
    CADENZA_CUDA_CHECK(cudaEventRecord(end_.get(), stream));
    CADENZA_CUDA_CHECK(cudaEventSynchronize(end_.get()));
    float milliseconds = 0.0F;
    CADENZA_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()));
    return 1e-3 * milliseconds;
  }

 private:
  static cuda::Event make() {
    cudaEvent_t event = nullptr;
    CADENZA_CUDA_CHECK(cudaEventCreate(&event));
    return cuda::Event(event);
  }

  cuda::Event begin_;
  cuda::Event end_;
};

}  // namespace cadenza::micro
