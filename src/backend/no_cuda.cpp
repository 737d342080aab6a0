// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda_module.h"
#include "cadenza/error.h"

// Takes the place of cuda_module.cpp in a build without CUDA.

namespace cadenza {

std::string cuda_obstacle(std::string_view) {
  return "this build has no CUDA; configure with a CUDA 13 toolkit in reach (nvcc on PATH, or "
         "CUDACXX set) and -DCADENZA_CUDA=ON";
}

std::unique_ptr<Backend> make_cuda_backend(std::string_view name, const BackendOptions&) {
  throw DeviceError(message("backend '", name, "' does not work here: ", cuda_obstacle(name)));
}

}  // namespace cadenza
