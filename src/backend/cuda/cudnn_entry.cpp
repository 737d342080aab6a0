// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_backend.h"
#include "backend/cuda_entry.h"

namespace {

using namespace cadenza;

// A module that cannot load cuDNN is not loaded itself. What is loaded may still be of another
// major version, where functions of the same names may take other parameters.
std::string obstacle() {
  std::string of_cuda = cadenza_cuda_entry()->obstacle();
  if (!of_cuda.empty()) return of_cuda;
  const std::size_t version = cudnnGetVersion();
  if (version / cuda::major_unit(version) == CUDNN_MAJOR) return {};
  return message("cuDNN ", cuda::version_text(version), " was loaded, this build needs cuDNN ",
                 CUDNN_MAJOR, "; install cuDNN ", CUDNN_MAJOR);
}

std::unique_ptr<Backend> make(const BackendOptions& options) {
  return std::make_unique<CudnnBackend>(options);
}

}  // namespace

extern "C" const CudaEntry* cadenza_cudnn_entry() {
  static constexpr CudaEntry kEntry = {obstacle, make};
  return &kEntry;
}
