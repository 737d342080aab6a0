// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/cudnn_backend.h"
#include "support/backend_param.h"

// Makes the suites of the contract run over the cuda backend on an emulated device.

namespace cadenza::test {

std::vector<BackendParam> backends_under_test() {
  return {{.backend = "cuda", .precision = Precision::fp32},
          {.backend = "cuda", .precision = Precision::tf32},
          {.backend = "cuda", .precision = Precision::bf16},
          {.backend = "cudnn", .precision = Precision::fp32},
          {.backend = "cudnn", .precision = Precision::tf32},
          {.backend = "cudnn", .precision = Precision::bf16},
          {.backend = "cudnn", .precision = Precision::fp16}};
}

std::unique_ptr<Backend> open(const BackendParam& param) {
  const BackendOptions options = {.threads = param.threads, .precision = param.precision};
  if (param.backend == "cudnn") return std::make_unique<CudnnBackend>(options);
  return std::make_unique<CudaBackend>(options);
}

}  // namespace cadenza::test
