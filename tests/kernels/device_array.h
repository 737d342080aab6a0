// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/cuda/cuda_check.h"

namespace cadenza::test {

/// Skips where there is no device, real or emulated.
class KernelTest : public testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU";
  }
};

/// An array in device memory that starts `offset` elements behind an allocation's start, so that
/// vector access to it may be unaligned. Allocations end with it.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count, std::size_t offset = 0)
      : memory_(allocate(count + offset)), data_(memory_.get() + offset), count_(count) {}
  explicit DeviceArray(const std::vector<T>& values, std::size_t offset = 0)
      : DeviceArray(values.size(), offset) {
    CADENZA_CUDA_CHECK(
        cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }

  T* data() const { return data_; }
  std::vector<T> values() const {
    std::vector<T> values(count_);
    CADENZA_CUDA_CHECK(cudaDeviceSynchronize());
    CADENZA_CUDA_CHECK(
        cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  struct Free {
    void operator()(T* memory) const { static_cast<void>(cudaFree(memory)); }
  };

  static std::unique_ptr<T[], Free> allocate(std::size_t count) {
    void* memory = nullptr;
    CADENZA_CUDA_CHECK(cudaMalloc(&memory, (count == 0 ? 1 : count) * sizeof(T)));
    return std::unique_ptr<T[], Free>(static_cast<T*>(memory));
  }

  std::unique_ptr<T[], Free> memory_;
  T* data_;
  std::size_t count_;
};

/// Of a matrix.
inline std::size_t size_of(std::int64_t rows, std::int64_t columns) {
  return static_cast<std::size_t>(rows * columns);
}

/// Whole numbers in [-range, range], so that sums are exact in any order.
inline std::vector<float> whole_numbers(std::size_t count, int range, std::uint32_t seed) {
  std::vector<float> values(count);
  std::uint32_t state = seed * 2654435761U + 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(static_cast<int>(state >> 16) % (2 * range + 1) - range);
  }
  return values;
}

/// Numbers in [-1, 1) with bits down to 2^-23.
inline std::vector<float> fractions(std::size_t count, std::uint32_t seed) {
  std::vector<float> values(count);
  std::uint32_t state = seed * 2654435761U + 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(static_cast<std::int32_t>(state) >> 8) * 0x1p-23F;
  }
  return values;
}

}  // namespace cadenza::test
