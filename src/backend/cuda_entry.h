// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cadenza/backend.h"

namespace cadenza {

/// What a module of backends offers to the library that loads it.
struct CudaEntry {
  /// Why the backend does not work on this machine; empty if it does.
  std::string (*obstacle)();
  std::unique_ptr<Backend> (*make)(const BackendOptions& options);
};

}  // namespace cadenza

// Each module exports one of these, found by its name.
extern "C" {
const cadenza::CudaEntry* cadenza_cuda_entry();
const cadenza::CudaEntry* cadenza_cudnn_entry();
}
