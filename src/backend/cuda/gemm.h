// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <memory>

#include "backend/cuda/memory_pool.h"
#include "kernels/matmul.h"

namespace cadenza::cuda {

/// Products in whatever order of summation is fast, on one stream: by cuBLASLt on a device, by
/// loops where kernels are emulated. M and N may be 0, K is positive.
class Gemm {
 public:
  Gemm(cudaStream_t stream, MemoryPool& pool);
  ~Gemm();
  void run(const kernels::Product& product);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace cadenza::cuda
