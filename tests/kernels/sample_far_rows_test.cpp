// SPDX-License-Identifier: Apache-2.0
// Rows farther apart than 32 bits count, in memory that only an emulated device can read.
#include <sys/mman.h>

#include <algorithm>

#include "kernels/sample_rows.h"

namespace cadenza::test {
namespace {

/// Only the pages that are touched exist.
TEST(SampleTokens, ReadsRowsBeyondTwoToThe31Elements) {
  constexpr std::size_t kStride = (std::size_t{1} << 31) + 4;
  constexpr std::size_t kBytes = (kStride + 2048) * sizeof(float);
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "no 8 GiB of addresses";
  auto* logits = static_cast<float*>(memory);
  for (const std::size_t vocabulary : {20U, 100U, 1100U}) {
    const std::vector<TestRow> rows = plain_rows(vocabulary, 2);
    std::ranges::copy(rows[0].logits, logits);
    std::ranges::copy(rows[1].logits, logits + kStride);
    SampleRows(rows).expect_equal(logits, kStride);
  }
  munmap(memory, kBytes);
}

}  // namespace
}  // namespace cadenza::test
