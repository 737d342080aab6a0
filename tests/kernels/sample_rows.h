// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "kernels/device_array.h"
#include "kernels/sample.h"
#include "sampling/random_row.h"

namespace cadenza::test {

/// Rows on the device, with all that a draw needs beside their logits.
class SampleRows {
 public:
  explicit SampleRows(const std::vector<TestRow>& rows)
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

inline std::vector<TestRow> plain_rows(std::size_t vocabulary, std::size_t count) {
  RandomRows random(vocabulary);
  std::vector<TestRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({.logits = random.next(vocabulary).logits, .sequence = i});
  }
  return rows;
}

}  // namespace cadenza::test
