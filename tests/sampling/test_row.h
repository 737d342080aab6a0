// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cadenza/sampling.h"

namespace cadenza::test {

/// What a statistical test is a function of: the real draw, or one broken on purpose.
using Sampler = std::function<void(std::span<const SampleRow>, std::span<SampleResult>)>;

/// A row that owns what it points to.
struct TestRow {
  std::vector<float> logits = {};
  SamplingParams params = {};
  std::vector<float> bias = {};
  std::vector<std::uint32_t> allowed = {};
  std::vector<std::int32_t> window = {};
  std::uint64_t seed = 1;
  std::uint64_t sequence = 0;
  std::uint32_t step = 0;
  std::int32_t fallback = 0;

  SampleRow row() const {
    return {.logits = logits,
            .bias = bias,
            .allowed = allowed,
            .window = window,
            .params = pack(params),
            .seed = seed,
            .sequence = sequence,
            .step = step,
            .fallback = fallback};
  }
  SampleResult draw() const { return sample_row(row()); }
};

/// Token ids to the packed mask of a vocabulary.
inline std::vector<std::uint32_t> mask_of(const std::vector<std::int32_t>& tokens,
                                          std::size_t vocabulary) {
  std::vector<std::uint32_t> words((vocabulary + 31) / 32);
  for (const std::int32_t token : tokens) {
    words[static_cast<std::size_t>(token) >> 5] |= 1U << (token & 31);
  }
  return words;
}

/// How often each token comes up in `draws` draws of one row: 64 sequences, all their steps.
inline std::vector<std::int64_t> count_draws(const Sampler& sampler, const TestRow& test,
                                             int draws) {
  constexpr std::size_t kBatch = 64;
  std::vector<std::int64_t> counts(test.logits.size());
  std::vector<SampleRow> rows(kBatch, test.row());
  std::vector<SampleResult> results(kBatch);
  for (std::size_t i = 0; i < kBatch; ++i) {
    rows[i].sequence += i;
    rows[i].scores = false;
  }
  for (int done = 0; done < draws; done += static_cast<int>(kBatch)) {
    sampler(rows, results);
    for (std::size_t i = 0; i < kBatch; ++i) {
      ++rows[i].step;
      ++counts.at(static_cast<std::size_t>(results[i].token));
    }
  }
  return counts;
}

}  // namespace cadenza::test
