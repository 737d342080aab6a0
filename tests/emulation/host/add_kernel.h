// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "emulation/config.h"

namespace cadenza::test {

/// y[i] += value for `count` elements.
void add(float* y, int count, float value, cudaStream_t stream);
/// y[i] = x[i].
void copy_elements(float* y, const float* x, int count, cudaStream_t stream);

/// An array of device memory, given back at the end.
class DeviceFloats {
 public:
  explicit DeviceFloats(int count) : count_(count) {
    cudaMalloc(reinterpret_cast<void**>(&data_), bytes());
    cudaMemset(data_, 0, bytes());
  }
  ~DeviceFloats() { cudaFree(data_); }
  DeviceFloats(const DeviceFloats&) = delete;
  DeviceFloats& operator=(const DeviceFloats&) = delete;

  float* get() const { return data_; }
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(float); }
  /// As a copy of the default stream finds them.
  std::vector<float> values() const {
    std::vector<float> result(static_cast<std::size_t>(count_));
    cudaMemcpy(result.data(), data_, bytes(), cudaMemcpyDeviceToHost);
    return result;
  }

 private:
  int count_;
  float* data_ = nullptr;
};

/// Restores the configuration of the emulation after each test.
class EmulationTest : public testing::Test {
 protected:
  ~EmulationTest() override {
    cudaDeviceSynchronize();
    static_cast<void>(cudaGetLastError());
    emulation::config() = before_;
  }

 private:
  emulation::Config before_ = emulation::config();
};

}  // namespace cadenza::test
