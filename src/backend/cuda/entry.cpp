// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda_entry.h"
#include "kernels/probe.h"

namespace {

using namespace cadenza;

std::string obstacle() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0;
    int runtime = 0;
    static_cast<void>(cudaDriverGetVersion(&driver));
    static_cast<void>(cudaRuntimeGetVersion(&runtime));
    if (driver == 0) {
      return "no NVIDIA driver was found; where there is a GPU, install its driver, R580 or newer";
    }
    return message("the NVIDIA driver supports CUDA ", driver / 1000, ".", driver % 1000 / 10,
                   ", this build needs CUDA ", runtime / 1000, ".", runtime % 1000 / 10,
                   "; install a newer driver");
  }
  if (status != cudaSuccess || devices == 0) {
    return message("CUDA finds no GPU (", cudaGetErrorString(status),
                   "); see whether nvidia-smi lists one and CUDA_VISIBLE_DEVICES hides it");
  }
  if (kernels::runs_on_device(0)) return {};
  cudaDeviceProp device = {};
  static_cast<void>(cudaGetDeviceProperties(&device, 0));
  return message("this build has no code for ", device.name, " (compute capability ", device.major,
                 ".", device.minor, "); configure with -DCMAKE_CUDA_ARCHITECTURES=", device.major,
                 device.minor);
}

std::unique_ptr<Backend> make(const BackendOptions& options) {
  return std::make_unique<CudaBackend>(options);
}

}  // namespace

extern "C" const CudaEntry* cadenza_cuda_entry() {
  static constexpr CudaEntry kEntry = {obstacle, make};
  return &kEntry;
}
