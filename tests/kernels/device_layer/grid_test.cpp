// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "kernels/device_layer/compute_90_test.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using DeviceGrid = test::KernelTest;
using DeviceGridOfClusters = test::Compute90Test;
using DeviceFlags = test::KernelTest;

constexpr unsigned kBlocks = 12;
constexpr std::size_t kValues = std::size_t{kBlocks} * kGridThreads;

std::vector<int> counted() {
  std::vector<int> values(kValues);
  std::iota(values.begin(), values.end(), 1);
  return values;
}

void expect_rotation(GridShape shape) {
  for (const int rounds : {1, 2, 7}) {
    const std::vector<int> values = counted();
    std::vector<int> expected = values;
    std::rotate(expected.begin(), expected.end() - rounds * kGridThreads, expected.end());
    const DeviceArray<int> even(values), odd(values.size());
    rotate_over_grid(shape, rounds, even.data(), odd.data());
    EXPECT_EQ((rounds % 2 == 0 ? even : odd).values(), expected) << rounds << " rounds";
  }
}

TEST_F(DeviceGrid, SynchronisesAllBlocks) { expect_rotation({.blocks = kBlocks}); }

TEST_F(DeviceGridOfClusters, SynchronisesAllBlocks) {
  expect_rotation({.blocks = kBlocks, .cluster = 4});
}

TEST_F(DeviceFlags, ShowWhatWasWrittenBefore) {
  std::vector<int> expected = counted();
  for (std::size_t block = 1; block < kBlocks; ++block) {
    for (std::size_t i = 0; i < kGridThreads; ++i) {
      const std::size_t mirrored = block * kGridThreads - 1 - i;
      expected[block * kGridThreads + i] += expected[mirrored];
    }
  }
  const DeviceArray<int> values(counted());
  const DeviceArray<unsigned> flags(std::vector<unsigned>(kBlocks, 0));
  accumulate_along_blocks(kBlocks, flags.data(), values.data());
  EXPECT_EQ(values.values(), expected);
}

TEST_F(DeviceFlags, TellTheLastBlock) {
  const std::vector<int> values = counted();
  std::vector<int> expected(kGridThreads, 0);
  for (std::size_t i = 0; i < kValues; ++i) expected[i % kGridThreads] += values[i];
  const DeviceArray<int> device_values(values), partial(kValues), sums(kGridThreads);
  const DeviceArray<unsigned> counter(std::vector<unsigned>(1, 0));
  sum_by_last_block(kBlocks, device_values.data(), partial.data(), counter.data(), sums.data());
  EXPECT_EQ(sums.values(), expected);
  EXPECT_EQ(counter.values(), std::vector<unsigned>(1, kBlocks));
}

}  // namespace
}  // namespace cadenza::kernels
