// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "cadenza/backend.h"
#include "cadenza/error.h"
#include "core/draw.h"
#include "sampling/random_row.h"
#include "sampling/test_row.h"
#include "support/backend_param.h"

namespace cadenza::test {

/// Which of the optional outputs a draw is asked for.
struct Outputs {
  bool log_probability = true;
  bool raw_log_probability = true;
  bool entropy = true;
  bool status = true;
};

struct KeysDraw {
  std::vector<float> keys;             ///< [B, D]
  std::vector<float> log_probability;  ///< [B]
};

/// Backend::sample_tokens() of a batch of rows that have their vocabulary, bias and seed in common
/// and fallback 0. A mask or window that only some rows have is neutral in the others.
class BackendDraw {
 public:
  BackendDraw(Backend& backend, std::span<const TestRow> rows)
      : backend_(backend), rows_(rows), batch_(static_cast<std::int64_t>(rows.size())) {
    std::vector<float> logits;
    std::vector<RowSampling> params;
    std::vector<std::int64_t> sequences;
    std::vector<std::int32_t> steps;
    for (const TestRow& row : rows) {
      logits.insert(logits.end(), row.logits.begin(), row.logits.end());
      params.push_back(pack(row.params));
      sequences.push_back(static_cast<std::int64_t>(row.sequence));
      steps.push_back(static_cast<std::int32_t>(row.step));
    }
    logits_ = put(logits, {batch_, width()}, DType::f32);
    params_ = put(params, {batch_, static_cast<std::int64_t>(sizeof(RowSampling))}, DType::u8);
    sequences_ = put(sequences, {batch_}, DType::i64);
    steps_ = put(steps, {batch_}, DType::i32);
    if (!rows[0].bias.empty()) bias_ = put(rows[0].bias, {width()}, DType::f32);
    put_masks();
    put_windows();
  }

  /// Results of what `outputs` asks for; the others stay 0.
  std::vector<SampleResult> run(const Outputs& outputs) {
    const Tensor tokens(backend_, {batch_}, DType::i32);
    const Tensor log_probability = output(outputs.log_probability, DType::f32);
    const Tensor raw_log_probability = output(outputs.raw_log_probability, DType::f32);
    const Tensor entropy = output(outputs.entropy, DType::f32);
    const Tensor status = output(outputs.status, DType::i32);
    backend_.sample_tokens({.logits = logits_,
                            .bias = bias_,
                            .allowed = masks_,
                            .window = windows_,
                            .rows = draw_rows(),
                            .tokens = tokens,
                            .log_probability = log_probability,
                            .raw_log_probability = raw_log_probability,
                            .entropy = entropy,
                            .status = status});
    std::vector<SampleResult> results(rows_.size());
    get(tokens, results, &SampleResult::token);
    get(log_probability, results, &SampleResult::log_probability);
    get(raw_log_probability, results, &SampleResult::raw_log_probability);
    get(entropy, results, &SampleResult::entropy);
    get(status, results, &SampleResult::status);
    return results;
  }

  /// Backend::sample_keys() of the logits.
  KeysDraw run_keys() {
    const Tensor keys(backend_, {batch_, width()}, DType::f32);
    const Tensor log_probability(backend_, {batch_}, DType::f32);
    backend_.sample_keys(
        {.logits = logits_, .rows = draw_rows(), .keys = keys, .log_probability = log_probability});
    KeysDraw drawn;
    drawn.keys.resize(static_cast<std::size_t>(batch_ * width()));
    drawn.log_probability.resize(rows_.size());
    backend_.download(keys, std::as_writable_bytes(std::span(drawn.keys)));
    backend_.download(log_probability, std::as_writable_bytes(std::span(drawn.log_probability)));
    return drawn;
  }

 private:
  DrawRows draw_rows() const {
    return {.seed = rows_[0].seed, .params = params_, .sequences = sequences_, .steps = steps_};
  }
  std::int64_t width() const { return static_cast<std::int64_t>(rows_[0].logits.size()); }

  template <typename T>
  Tensor put(const std::vector<T>& values, const Shape& shape, DType dtype) {
    Tensor tensor(backend_, shape, dtype);
    backend_.upload(std::as_bytes(std::span(values)), tensor);
    return tensor;
  }

  Tensor output(bool wanted, DType dtype) {
    return wanted ? Tensor(backend_, {batch_}, dtype) : Tensor();
  }

  template <typename T>
  void get(const Tensor& from, std::vector<SampleResult>& results, T SampleResult::*field) {
    if (from.view().empty()) return;
    std::vector<T> values(results.size());
    backend_.download(from, std::as_writable_bytes(std::span(values)));
    for (std::size_t i = 0; i < values.size(); ++i) results[i].*field = values[i];
  }

  void put_masks() {
    if (std::ranges::all_of(rows_, [](const TestRow& row) { return row.allowed.empty(); })) return;
    const std::size_t words = (rows_[0].logits.size() + 31) / 32;
    std::vector<std::uint32_t> masks;
    for (const TestRow& row : rows_) {
      const std::vector<std::uint32_t> all(words, 0xFFFFFFFFU);
      const std::vector<std::uint32_t>& mask = row.allowed.empty() ? all : row.allowed;
      masks.insert(masks.end(), mask.begin(), mask.end());
    }
    masks_ = put(masks, {batch_, static_cast<std::int64_t>(words)}, DType::i32);
  }

  void put_windows() {
    std::size_t slots = 0;
    for (const TestRow& row : rows_) slots = std::max(slots, row.window.size());
    if (slots == 0) return;
    std::vector<std::int32_t> windows;
    for (const TestRow& row : rows_) {
      windows.insert(windows.end(), row.window.begin(), row.window.end());
      windows.insert(windows.end(), slots - row.window.size(), -1);
    }
    windows_ = put(windows, {batch_, static_cast<std::int64_t>(slots)}, DType::i32);
  }

  Backend& backend_;
  std::span<const TestRow> rows_;
  std::int64_t batch_;
  Tensor logits_, params_, sequences_, steps_, bias_, masks_, windows_;
};

inline std::string describe(const SampleResult& result) {
  return message(result.token, " ", float_bits(result.log_probability), " ",
                 float_bits(result.raw_log_probability), " ", float_bits(result.entropy), " ",
                 result.status);
}

inline std::string describe(const TestRow& test) {
  const SamplingParams& p = test.params;
  return message("V=", test.logits.size(), " T=", p.temperature, " top_k=", p.top_k,
                 " top_p=", p.top_p, " min_p=", p.min_p, " typical=", p.typical_p,
                 " window=", test.window.size(), " bias=", test.bias.size(),
                 " mask=", test.allowed.size());
}

/// What sample_row() says of `row`, less what `outputs` leaves out.
inline SampleResult expected_of(const TestRow& row, const Outputs& outputs) {
  SampleResult result = row.draw();
  if (!outputs.log_probability) result.log_probability = 0.0F;
  if (!outputs.raw_log_probability) result.raw_log_probability = 0.0F;
  if (!outputs.entropy) result.entropy = 0.0F;
  if (!outputs.status) result.status = 0;
  return result;
}

/// Draws one batch in every way of asking; counts and shows what differs.
inline int expect_equal(Backend& backend, std::span<const TestRow> rows, const Outputs& outputs) {
  const std::vector<SampleResult> results = BackendDraw(backend, rows).run(outputs);
  int mismatches = 0;
  for (std::size_t i = 0; i < rows.size() && mismatches < 3; ++i) {
    const SampleResult expected = expected_of(rows[i], outputs);
    if (describe(results[i]) == describe(expected)) continue;
    ++mismatches;
    ADD_FAILURE() << "row " << i << " of " << rows.size() << ": " << describe(rows[i])
                  << "\n  expected " << describe(expected) << "\n  got      "
                  << describe(results[i]);
  }
  return mismatches;
}

inline SamplingParams without_filters(SamplingParams params) {
  params.top_k = 0;
  params.top_p = params.typical_p = 1.0;
  params.min_p = 0.0;
  return params;
}

/// Rows over the grid of parameters, with what rows of a batch have in common.
inline std::vector<TestRow> random_batch(RandomRows& random, std::size_t vocabulary,
                                         std::size_t count) {
  std::vector<TestRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    TestRow row = random.next(vocabulary);
    row.fallback = 0;
    if (i > 0) {
      row.bias = rows[0].bias;
      row.seed = rows[0].seed;
    }
    rows.push_back(std::move(row));
  }
  if (random.bits() % 2 != 0) {
    for (TestRow& row : rows) row.params = without_filters(row.params);
  }
  if (random.bits() % 4 != 0) {
    for (TestRow& row : rows) row.allowed.clear();
  }
  if (random.bits() % 4 != 0) {
    for (TestRow& row : rows) row.window.clear();
  }
  return rows;
}

/// Each once; the reference draws by sample_row() itself.
inline std::vector<BackendParam> backends_but_reference() {
  std::vector<BackendParam> params = every_backend();
  std::erase_if(params, [](const BackendParam& param) {
    return param.backend == "reference" || param.threads != 1;
  });
  return params;
}

}  // namespace cadenza::test
