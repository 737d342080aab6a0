// SPDX-License-Identifier: Apache-2.0
#include "kernels/device_layer/compute_90_test.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using test::fractions;
using DeviceGroupCopies = test::KernelTest;
using DeviceBulkCopies = test::Compute90Test;

constexpr std::size_t kTileFloats = std::size_t{kTileVectors} * 4;

float4* vectors(const DeviceArray<float>& array) { return reinterpret_cast<float4*>(array.data()); }

/// Vectors of each tile in reverse order; behind the end of `from`, zeros.
std::vector<float> reversed_tiles(const std::vector<float>& from, std::size_t tiles) {
  std::vector<float> to(tiles * kTileFloats);
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t vector = i % kTileFloats / 4;
    to[i / kTileFloats * kTileFloats + (kTileVectors - 1 - vector) * 4 + i % 4] = from[i];
  }
  return to;
}

TEST_F(DeviceGroupCopies, GoThroughStagesAndLeaveZerosBehindTheEnd) {
  for (const std::size_t tiles : {0U, 1U, 2U, 3U, 8U}) {
    for (const std::size_t missing : {0U, 1U, 63U}) {
      const std::size_t valid = tiles == 0 ? 0 : tiles * kTileVectors - missing;
      const std::vector<float> values = fractions(valid * 4, 1);
      const DeviceArray<float> from(values), to(tiles * kTileFloats);
      reverse_by_group_copies(vectors(from), static_cast<int>(tiles), static_cast<int>(valid),
                              vectors(to));
      EXPECT_EQ(to.values(), reversed_tiles(values, tiles)) << tiles << " tiles, " << missing;
    }
  }
}

TEST_F(DeviceBulkCopies, FillARingForOtherThreads) {
  for (const std::size_t tiles : {0U, 1U, 2U, 9U}) {
    const std::vector<float> values = fractions(tiles * kTileFloats, 2);
    const DeviceArray<float> from(values), to(values.size());
    reverse_by_bulk_copies(vectors(from), static_cast<int>(tiles), vectors(to));
    EXPECT_EQ(to.values(), reversed_tiles(values, tiles)) << tiles << " tiles";
  }
}

}  // namespace
}  // namespace cadenza::kernels
