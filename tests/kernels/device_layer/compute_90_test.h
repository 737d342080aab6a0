// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/device_array.h"

namespace cadenza::test {

/// Skips where the device has no mbarriers for bytes, no bulk copies and no clusters.
class Compute90Test : public KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) return;
    int major = 0, minor = 0;
    CADENZA_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    CADENZA_CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0));
    if (major < 9) {
      GTEST_SKIP() << "needs compute capability 9.0, the device has " << major << "." << minor;
    }
  }
};

}  // namespace cadenza::test
