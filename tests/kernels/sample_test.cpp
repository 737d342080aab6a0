// SPDX-License-Identifier: Apache-2.0
// What the draw's launcher accepts beyond the contract: rows that are not contiguous or not
// aligned, and a choice of the threads that draw a row.
#include "kernels/sample.h"

#include <cmath>
#include <limits>

#include "kernels/sample_rows.h"
#include "support/expect_error.h"

namespace cadenza::test {
namespace {

TEST(SampleTokens, ReadsRowsOfAnyStrideAndAlignment) {
  const float garbage[] = {std::numeric_limits<float>::infinity(), std::nanf(""), 1e30F};
  for (const std::size_t vocabulary : {5U, 32U, 130U, 1024U, 1101U}) {
    const std::vector<TestRow> rows = plain_rows(vocabulary, 6);
    const SampleRows draw(rows);
    for (const std::size_t offset : {0U, 1U, 2U, 4U}) {
      for (const std::size_t padding : {0U, 1U, 3U, 4U}) {
        std::vector<float> logits(offset + rows.size() * (vocabulary + padding));
        for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = garbage[i % 3];
        for (std::size_t i = 0; i < rows.size(); ++i) {
          std::ranges::copy(
              rows[i].logits,
              logits.begin() + static_cast<std::ptrdiff_t>(offset + i * (vocabulary + padding)));
        }
        const DeviceArray<float> on_device(logits);
        draw.expect_equal(on_device.data() + offset,
                          static_cast<std::int64_t>(vocabulary + padding));
      }
    }
  }
}

/// One row after the other.
std::vector<float> logits_of(const std::vector<TestRow>& rows) {
  std::vector<float> logits;
  for (const TestRow& row : rows) {
    logits.insert(logits.end(), row.logits.begin(), row.logits.end());
  }
  return logits;
}

/// With and without filters, in batches that fill neither the last warp nor the last block.
TEST(SampleTokens, GivesTheSameBitsByAnyNumberOfThreads) {
  using kernels::RowThreads;
  for (const std::size_t vocabulary : {1U, 5U, 32U, 100U, 128U}) {
    for (const bool filters : {false, true}) {
      std::vector<TestRow> rows = plain_rows(vocabulary, 23);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].params.temperature = i % 3 == 0 ? 0.0 : 0.5 * static_cast<double>(i % 3);
        if (filters && i % 5 == 0) rows[i].params.top_p = 0.7;
        if (filters && i % 7 == 0) rows[i].params.top_k = 3;
      }
      const DeviceArray<float> on_device(logits_of(rows));
      const SampleRows draw(rows);
      for (const RowThreads threads :
           {RowThreads::lanes8, RowThreads::lanes16, RowThreads::warp, RowThreads::block}) {
        draw.expect_equal(on_device.data(), static_cast<std::int64_t>(vocabulary), threads);
      }
    }
  }
}

TEST(SampleTokens, RefusesRowsTooWideForTheThreadsThatAreAskedFor) {
  using kernels::RowThreads;
  const auto refusal = [](RowThreads threads, std::int32_t vocabulary, const char* words) {
    expect_error<ArgumentError>(
        [&] {
          kernels::sample_tokens({.batch = 1, .vocabulary = vocabulary, .row_threads = threads},
                                 nullptr);
        },
        words);
  };
  refusal(RowThreads::lanes8, 257,
          "sample_tokens: V is 257, expected at most 256 with 8 threads a row");
  refusal(RowThreads::lanes16, 513,
          "sample_tokens: V is 513, expected at most 512 with 16 threads a row");
  refusal(RowThreads::warp, 1025,
          "sample_tokens: V is 1025, expected at most 1024 with 32 threads a row");
  for (const auto& [threads, vocabulary] :
       {std::pair{RowThreads::lanes8, 256U}, std::pair{RowThreads::lanes16, 512U},
        std::pair{RowThreads::warp, 1024U}}) {
    const std::vector<TestRow> rows = plain_rows(vocabulary, 3);
    const DeviceArray<float> on_device(logits_of(rows));
    SampleRows(rows).expect_equal(on_device.data(), static_cast<std::int64_t>(vocabulary), threads);
  }
}

TEST(SampleTokens, DoesNothingForNoRows) {
  kernels::sample_tokens({.batch = 0, .vocabulary = 5}, nullptr);
  kernels::sample_tokens({.batch = 0, .vocabulary = 500}, nullptr);
  kernels::sample_tokens({.batch = 0, .vocabulary = 50'000}, nullptr);
  EXPECT_EQ(kernels::sample_workspace_bytes(0, 50'000), 0U);
}

TEST(SampleTokens, AsksForAWorkspaceOnlyWhereARowDoesNotFitSharedMemory) {
  EXPECT_EQ(kernels::sample_workspace_bytes(1000, 1024), 0U);
  EXPECT_EQ(kernels::sample_workspace_bytes(1000, 8'192), 0U);
  EXPECT_GE(kernels::sample_workspace_bytes(1, 32'768), 12U * 32'768);
  EXPECT_LE(kernels::sample_workspace_bytes(100'000, 32'768), std::size_t{256} << 20);
  EXPECT_GE(kernels::sample_workspace_bytes(8, kMaxSampleVocabulary), 12U * kMaxSampleVocabulary);
}

}  // namespace
}  // namespace cadenza::test
