// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/sampling.h"

namespace cadenza::cpu {

/// Working memory of sample_rows() for rows of at most `widest` logits.
struct SampleScratch {
  /// Rows are padded with "no candidate" to whole vectors, two at a time.
  static constexpr std::size_t kPadding = 32;

  explicit SampleScratch(std::size_t widest)
      : x(widest + kPadding),
        score(widest + kPadding),
        high(widest + kPadding),
        low(widest + kPadding),
        counts(widest),
        inside(widest + kPadding) {}

  std::vector<float> x;                  // processed logits; -inf: no candidate
  std::vector<float> score;              // x + noise, or the typical order
  std::vector<std::uint32_t> high, low;  // weights, w = high * 2^20 + low
  std::vector<std::uint32_t> counts;     // occurrences in the window; all 0 between rows
  std::vector<std::int32_t> inside;      // tokens near the boundary of a filter
};

/// results[i] = sample_row(rows[i]), bit for bit, vectorised and without sorting; on the calling
/// thread. Rows may differ in everything. ArgumentError as sample_row(), before any row is drawn.
void sample_rows(std::span<const SampleRow> rows, std::span<SampleResult> results);
/// One row of it, without taking memory.
SampleResult draw_row(const SampleRow& row, SampleScratch& scratch);

/// The instruction set that sample_rows() uses here, for people.
const char* sampler_target();

}  // namespace cadenza::cpu
