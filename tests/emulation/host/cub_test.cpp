// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cub/cub.cuh>

#include "add_kernel.h"

namespace cadenza::test {
namespace {

class Cub : public EmulationTest {};

/// A copy of host values in device memory.
template <typename T>
class DeviceValues {
 public:
  explicit DeviceValues(const std::vector<T>& values) : count_(values.size()) {
    cudaMalloc(&data_, count_ * sizeof(T));
    cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice);
  }
  explicit DeviceValues(std::size_t count) : DeviceValues(std::vector<T>(count)) {}
  ~DeviceValues() { cudaFree(data_); }
  DeviceValues(const DeviceValues&) = delete;
  DeviceValues& operator=(const DeviceValues&) = delete;

  T* get() const { return data_; }
  std::vector<T> values() const {
    std::vector<T> result(count_);
    cudaMemcpy(result.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost);
    return result;
  }

 private:
  std::size_t count_;
  T* data_ = nullptr;
};

/// Calls algorithm(storage, bytes) for the size and for the work.
template <typename Algorithm>
void run(Algorithm algorithm) {
  std::size_t bytes = 0;
  ASSERT_EQ(algorithm(nullptr, bytes), cudaSuccess);
  ASSERT_GT(bytes, 0U);
  const DeviceValues<unsigned char> storage(bytes);
  ASSERT_EQ(algorithm(storage.get(), bytes), cudaSuccess);
  std::size_t too_few = bytes - 1;
  EXPECT_EQ(algorithm(storage.get(), too_few), cudaErrorInvalidValue);
}

TEST_F(Cub, SortsPairsAndKeepsTheOrderOfEqualKeys) {
  const DeviceValues<std::int32_t> keys({3, -1, 3, 7, -1});
  const DeviceValues<std::int32_t> values({0, 1, 2, 3, 4});
  const DeviceValues<std::int32_t> sorted_keys(5);
  const DeviceValues<std::int32_t> sorted_values(5);
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(storage, bytes, keys.get(), sorted_keys.get(),
                                           values.get(), sorted_values.get(), 5);
  });
  EXPECT_EQ(sorted_keys.values(), (std::vector<std::int32_t>{-1, -1, 3, 3, 7}));
  EXPECT_EQ(sorted_values.values(), (std::vector<std::int32_t>{1, 4, 0, 2, 3}));
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairsDescending(storage, bytes, keys.get(), sorted_keys.get(),
                                                     values.get(), sorted_values.get(), 5);
  });
  EXPECT_EQ(sorted_values.values(), (std::vector<std::int32_t>{3, 0, 2, 1, 4}));
}

TEST_F(Cub, SortsByTheBitsAskedFor) {
  const DeviceValues<std::uint32_t> keys({0x12, 0x01, 0x23});
  const DeviceValues<std::uint32_t> sorted_keys(3);
  const DeviceValues<std::int32_t> values({0, 1, 2});
  const DeviceValues<std::int32_t> sorted_values(3);
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(storage, bytes, keys.get(), sorted_keys.get(),
                                           values.get(), sorted_values.get(), 3, 0, 2);
  });
  EXPECT_EQ(sorted_values.values(), (std::vector<std::int32_t>{1, 0, 2}));
}

TEST_F(Cub, ScansAndSums) {
  const DeviceValues<std::int32_t> x({1, 2, 3, 4});
  const DeviceValues<std::int32_t> y(4);
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceScan::ExclusiveSum(storage, bytes, x.get(), y.get(), 4);
  });
  EXPECT_EQ(y.values(), (std::vector<std::int32_t>{0, 1, 3, 6}));
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceScan::InclusiveSum(storage, bytes, x.get(), y.get(), 4);
  });
  EXPECT_EQ(y.values(), (std::vector<std::int32_t>{1, 3, 6, 10}));
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceReduce::Sum(storage, bytes, x.get(), y.get(), 4);
  });
  EXPECT_EQ(y.values()[0], 10);
}

TEST_F(Cub, CountsRuns) {
  const DeviceValues<std::int32_t> x({5, 5, 2, 5, 5, 5});
  const DeviceValues<std::int32_t> unique(6);
  const DeviceValues<std::int32_t> counts(6);
  const DeviceValues<std::int32_t> runs(1);
  run([&](void* storage, std::size_t& bytes) {
    return cub::DeviceRunLengthEncode::Encode(storage, bytes, x.get(), unique.get(), counts.get(),
                                              runs.get(), 6);
  });
  ASSERT_EQ(runs.values()[0], 3);
  EXPECT_EQ(unique.values()[1], 2);
  EXPECT_EQ(counts.values()[2], 3);
}

TEST_F(Cub, WaitsForItsTurnInTheStream) {
  emulation::config().streams = emulation::Streams::kLazy;
  std::int32_t* pinned = nullptr;
  cudaMallocHost(&pinned, sizeof *pinned);
  *pinned = 8;
  const DeviceValues<std::int32_t> x(1);
  const DeviceValues<std::int32_t> y(1);
  const DeviceValues<unsigned char> storage(1000);
  std::size_t bytes = 1000;
  cudaMemcpyAsync(x.get(), pinned, sizeof *pinned, cudaMemcpyHostToDevice);
  cub::DeviceReduce::Sum(storage.get(), bytes, x.get(), y.get(), 1);
  *pinned = 9;
  EXPECT_EQ(y.values()[0], 9);
  cudaFreeHost(pinned);
}

}  // namespace
}  // namespace cadenza::test
