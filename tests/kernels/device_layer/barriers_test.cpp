// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "kernels/device_layer/compute_90_test.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using DeviceMBarrier = test::Compute90Test;
using DeviceNamedBarrier = test::KernelTest;

TEST_F(DeviceMBarrier, SeparatesPhasesOfEitherParity) {
  std::vector<int> values(kRingThreads);
  std::iota(values.begin(), values.end(), 100);
  const DeviceArray<int> from(values), to(values.size());
  for (const int rounds : {0, 1, 2, 7}) {
    std::vector<int> expected = values;
    std::rotate(expected.begin(), expected.begin() + rounds, expected.end());
    rotate_by_mbarrier(from.data(), rounds, to.data());
    EXPECT_EQ(to.values(), expected) << rounds << " rounds";
  }
}

TEST_F(DeviceNamedBarrier, LetsHalvesOfABlockTakeTurns) {
  std::vector<int> values(kTeamThreads);
  std::iota(values.begin(), values.end(), 1);
  const DeviceArray<int> from(values), to(values.size());
  constexpr int kRounds = 5;
  alternate_by_named_barriers(from.data(), kRounds, to.data());
  std::vector<int> expected = values;
  for (int round = 0; round < kRounds; ++round) {
    std::reverse(expected.begin(), expected.end());
    std::rotate(expected.begin(), expected.begin() + 1, expected.end());
    for (int& value : expected) value = 2 * (value + 1);
  }
  EXPECT_EQ(to.values(), expected);
}

}  // namespace
}  // namespace cadenza::kernels
