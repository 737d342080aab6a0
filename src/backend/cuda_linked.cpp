// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda_entry.h"
#include "backend/cuda_module.h"

// Takes the place of cuda_module.cpp in a static library, which holds the backends itself.

namespace cadenza {
namespace {

const CudaEntry& entry_of(std::string_view name) {
  return name == "cudnn" ? *cadenza_cudnn_entry() : *cadenza_cuda_entry();
}

}  // namespace

std::string cuda_obstacle(std::string_view name) { return entry_of(name).obstacle(); }

std::unique_ptr<Backend> make_cuda_backend(std::string_view name, const BackendOptions& options) {
  return entry_of(name).make(options);
}

}  // namespace cadenza
