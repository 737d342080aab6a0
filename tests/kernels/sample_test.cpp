// SPDX-License-Identifier: Apache-2.0
// What the draw's launcher accepts beyond the contract: rows that are not contiguous, not aligned
// or far apart.
#include "kernels/sample.h"

#include <sys/mman.h>

#include <cmath>
#include <limits>

#include "kernels/device_array.h"
#include "sampling/random_row.h"

namespace cadenza::test {
namespace {

/// Tokens of `logits` rows with all that a draw needs beside them.
class Draw {
 public:
  explicit Draw(const std::vector<TestRow>& rows)
      : rows_(rows),
        params_(of<RowSampling>([](const TestRow& row) { return pack(row.params); })),
        sequences_(of<std::int64_t>([](const TestRow& row) { return row.sequence; })),
        steps_(of<std::int32_t>([](const TestRow& row) { return row.step; })),
        tokens_(std::vector<std::int32_t>(rows.size(), -9)),
        raw_(std::vector<float>(rows.size())) {}

  void expect_equal(const float* logits, std::int64_t row_stride,
                    kernels::RowThreads row_threads = kernels::RowThreads::automatic) const {
    const auto vocabulary = static_cast<std::int32_t>(rows_[0].logits.size());
    kernels::sample_tokens({.batch = static_cast<std::int64_t>(rows_.size()),
                            .vocabulary = vocabulary,
                            .row_stride = row_stride,
                            .logits = logits,
                            .rows = {.seed = rows_[0].seed,
                                     .params = params_.data(),
                                     .sequences = sequences_.data(),
                                     .steps = steps_.data()},
                            .tokens = tokens_.data(),
                            .raw_log_probability = raw_.data(),
                            .row_threads = row_threads},
                           nullptr);
    const std::vector<std::int32_t> tokens = tokens_.values();
    const std::vector<float> raw = raw_.values();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const SampleResult expected = rows_[i].draw();
      EXPECT_EQ(tokens[i], expected.token) << "row " << i;
      EXPECT_EQ(raw[i], expected.raw_log_probability) << "row " << i;
    }
  }

 private:
  template <typename T, typename Field>
  std::vector<T> of(Field field) const {
    std::vector<T> values;
    for (const TestRow& row : rows_) values.push_back(static_cast<T>(field(row)));
    return values;
  }

  const std::vector<TestRow>& rows_;
  DeviceArray<RowSampling> params_;
  DeviceArray<std::int64_t> sequences_;
  DeviceArray<std::int32_t> steps_;
  DeviceArray<std::int32_t> tokens_;
  DeviceArray<float> raw_;
};

std::vector<TestRow> plain_rows(std::size_t vocabulary, std::size_t count) {
  RandomRows random(vocabulary);
  std::vector<TestRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({.logits = random.next(vocabulary).logits, .sequence = i});
  }
  return rows;
}

TEST(SampleTokens, ReadsRowsOfAnyStrideAndAlignment) {
  const float garbage[] = {std::numeric_limits<float>::infinity(), std::nanf(""), 1e30F};
  for (const std::size_t vocabulary : {5U, 32U, 130U, 1024U, 1101U}) {
    const std::vector<TestRow> rows = plain_rows(vocabulary, 6);
    const Draw draw(rows);
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

/// With and without filters, in batches that fill neither the last warp nor the last block.
TEST(SampleTokens, GivesTheSameBitsByAnyNumberOfThreads) {
  using kernels::RowThreads;
  for (const std::size_t vocabulary : {1U, 5U, 32U, 100U, 128U}) {
    for (const bool filters : {false, true}) {
      std::vector<TestRow> rows = plain_rows(vocabulary, 23);
      std::vector<float> logits;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        logits.insert(logits.end(), rows[i].logits.begin(), rows[i].logits.end());
        rows[i].params.temperature = i % 3 == 0 ? 0.0 : 0.5 * static_cast<double>(i % 3);
        if (filters && i % 5 == 0) rows[i].params.top_p = 0.7;
        if (filters && i % 7 == 0) rows[i].params.top_k = 3;
      }
      const DeviceArray<float> on_device(logits);
      const Draw draw(rows);
      for (const RowThreads threads :
           {RowThreads::lanes8, RowThreads::lanes16, RowThreads::warp, RowThreads::block}) {
        draw.expect_equal(on_device.data(), static_cast<std::int64_t>(vocabulary), threads);
      }
    }
  }
}

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
    Draw(rows).expect_equal(logits, kStride);
  }
  munmap(memory, kBytes);
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
