// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_backend.h"
#include "backend/cuda_entry.h"

// cuDNN adds no obstacle of its own: a module that cannot load it is not loaded itself.

extern "C" const cadenza::CudaEntry* cadenza_cudnn_entry() {
  static const cadenza::CudaEntry kEntry = {
      cadenza_cuda_entry()->obstacle,
      [](const cadenza::BackendOptions& options) -> std::unique_ptr<cadenza::Backend> {
        return std::make_unique<cadenza::CudnnBackend>(options);
      }};
  return &kEntry;
}
