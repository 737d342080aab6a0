// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda_entry.h"

// Takes the place of cudnn_entry.cpp in a static library that is built without cuDNN.

extern "C" const cadenza::CudaEntry* cadenza_cudnn_entry() {
  static constexpr cadenza::CudaEntry kEntry = {
      [] { return std::string("this build has no cuDNN; configure where cuDNN 9 is installed"); },
      nullptr};
  return &kEntry;
}
