// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>

#include "backend/cuda_entry.h"
#include "cadenza/error.h"
#include "emulation/config.h"

namespace cadenza::test {

/// What is changed of the emulated device is put right after each test.
class EmulatedLimits : public testing::Test {
 protected:
  void TearDown() override { emulation::config() = saved_; }

  /// Leaves so many bytes of the device free.
  static void leave(std::size_t bytes) {
    emulation::config().memory_bytes = emulation::statistics().device_bytes + bytes;
  }

 private:
  emulation::Config saved_ = emulation::config();
};

/// Over both modules, "cuda" and "cudnn".
class CudaLimits : public EmulatedLimits, public testing::WithParamInterface<std::string> {
 protected:
  static std::string obstacle() { return entry().obstacle(); }
  static std::unique_ptr<Backend> make() { return entry().make({}); }

 private:
  static const CudaEntry& entry() {
    return GetParam() == "cudnn" ? *cadenza_cudnn_entry() : *cadenza_cuda_entry();
  }
};

inline std::string name_of_backend(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

/// What the OutOfMemory says that `function` throws.
template <typename Function>
std::string memory_error(const Function& function) {
  try {
    function();
  } catch (const OutOfMemory& error) {
    return error.what();
  }
  ADD_FAILURE() << "there was room";
  return {};
}

}  // namespace cadenza::test
