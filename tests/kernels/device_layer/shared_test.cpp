// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/shared.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "kernels/device_array.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using DeviceShared = test::KernelTest;
using DeviceVectors = test::KernelTest;

std::vector<int> counted(int count) {
  std::vector<int> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 1000);
  return values;
}

TEST(SharedBytes, CountsThePaddingBetweenArrays) {
  static_assert(kSharedAlignment == 128);
  EXPECT_EQ(SharedBytes().bytes(), 0U);
  EXPECT_EQ(SharedBytes().add<char>(1).bytes(), 1U);
  EXPECT_EQ(SharedBytes().add<char>(128).add<double>(2).bytes(), 128U + 16U);
  EXPECT_EQ(SharedBytes().add<char>(129).add<double>(2).add<char>(1).bytes(), 384U + 1U);
}

// 10,000 doubles are more than the 48 KiB that every kernel has.
TEST_F(DeviceShared, KeepsArraysApartUpToTheDevicesLimit) {
  for (const int count : {256, 1000, 10'000}) {
    const std::vector<int> values = counted(count);
    std::vector<int> expected(values.rbegin(), values.rbegin() + 256);
    const DeviceArray<int> from(values), to(expected.size()), misaligned(1);
    mirror_in_shared(count, from.data(), to.data(), misaligned.data());
    EXPECT_EQ(to.values(), expected) << count;
    EXPECT_EQ(misaligned.values()[0], 0);
  }
}

TEST_F(DeviceShared, SaysWhatAskedForTooMuch) {
  const DeviceArray<int> nothing(1);
  try {
    mirror_in_shared(100'000, nothing.data(), nothing.data(), nothing.data());
    FAIL() << "800,000 bytes of shared memory were granted";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr("mirror_in_shared: kernel over [100000], grid (1, 1, 1), block "
                                   "(256, 1, 1), cluster 1, 800392 bytes of shared memory failed"));
  }
}

TEST_F(DeviceVectors, MoveAsAWhole) {
  const std::vector<int> values = counted(96);
  std::vector<int> expected = values;
  std::reverse(expected.begin(), expected.end());
  const DeviceArray<int> from(values), to(values.size());
  reverse_vectors(reinterpret_cast<const int2*>(from.data()), 48,
                  reinterpret_cast<int2*>(to.data()));
  for (std::size_t i = 0; i < expected.size(); i += 2) std::swap(expected[i], expected[i + 1]);
  EXPECT_EQ(to.values(), expected);

  const std::vector<float> numbers = test::fractions(96, 1);
  std::vector<float> reversed;
  for (std::size_t i = numbers.size(); i > 0; i -= 4) {
    for (std::size_t j = i - 4; j < i; ++j) reversed.push_back(numbers[j]);
  }
  const DeviceArray<float> numbers_from(numbers), numbers_to(numbers.size());
  reverse_vectors(reinterpret_cast<const float4*>(numbers_from.data()), 24,
                  reinterpret_cast<float4*>(numbers_to.data()));
  EXPECT_EQ(numbers_to.values(), reversed);
}

}  // namespace
}  // namespace cadenza::kernels
