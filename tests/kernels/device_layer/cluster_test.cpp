// SPDX-License-Identifier: Apache-2.0
#include <numeric>

#include "kernels/device_layer/compute_90_test.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

using test::DeviceArray;

class DeviceCluster : public test::Compute90Test, public testing::WithParamInterface<unsigned> {
 protected:
  void SetUp() override {
    Compute90Test::SetUp();
    if (IsSkipped()) return;
    if (!cluster_fits(blocks_)) {
      GTEST_SKIP() << "the device does not run clusters of " << blocks_ << " blocks";
    }
  }

  /// Index of the element `thread` of block `rank` (modulo the cluster's blocks) of a cluster.
  std::size_t at(unsigned cluster, unsigned rank, unsigned thread) const {
    return (std::size_t{cluster} * blocks_ + rank % blocks_) * kPeerThreads + thread;
  }
  /// Calls visit(cluster, rank, thread) for every element.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (unsigned cluster = 0; cluster < kClusters; ++cluster) {
      for (unsigned rank = 0; rank < blocks_; ++rank) {
        for (unsigned thread = 0; thread < kPeerThreads; ++thread) visit(cluster, rank, thread);
      }
    }
  }
  std::vector<int> values() const {
    std::vector<int> values(std::size_t{kClusters} * blocks_ * kPeerThreads);
    std::iota(values.begin(), values.end(), 0);
    return values;
  }

  static constexpr unsigned kClusters = 3;
  const unsigned blocks_ = GetParam();
};

TEST_P(DeviceCluster, ReadsAndWritesSharedMemoryOfPeers) {
  const std::vector<int> from = values();
  std::vector<int> expected(from.size());
  for_each([&](unsigned cluster, unsigned rank, unsigned thread) {
    expected[at(cluster, rank, thread)] =
        from[at(cluster, rank + blocks_ - 1, thread)] + 1000 * from[at(cluster, rank + 1, thread)];
  });
  const DeviceArray<int> device_from(from), to(from.size());
  exchange_in_cluster({kClusters, blocks_}, device_from.data(), to.data());
  EXPECT_EQ(to.values(), expected);
}

TEST_P(DeviceCluster, SendsToPeersThatWaitForBytes) {
  constexpr int kRounds = 4;
  const std::vector<int> from = values();
  std::vector<int> sent = from;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<int> before = sent;
    for_each([&](unsigned cluster, unsigned rank, unsigned thread) {
      sent[at(cluster, rank + 1, kPeerThreads - 1 - thread)] = before[at(cluster, rank, thread)];
    });
  }
  std::vector<float> expected;
  for (const int value : sent) {
    for (int multiple = 1; multiple <= 6; ++multiple) {
      expected.push_back(static_cast<float>(multiple * value));
    }
  }
  const DeviceArray<int> device_from(from);
  const DeviceArray<float> to(expected.size());
  send_in_cluster({kClusters, blocks_}, kRounds, device_from.data(), to.data());
  EXPECT_EQ(to.values(), expected);
}

// A cluster of one block is its own peer; 16 are more than a kernel may have without asking.
INSTANTIATE_TEST_SUITE_P(Blocks, DeviceCluster, testing::Values(1U, 2U, 4U, 8U, 16U));

}  // namespace
}  // namespace cadenza::kernels
