// SPDX-License-Identifier: Apache-2.0
// The draw of every backend against sample_row(), in every bit of every output.
#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <limits>

#include "sampling/backend_draw.h"
#include "support/sanitizer.h"
#include "support/special_numbers.h"

namespace cadenza::test {
namespace {

class SamplerOfBackend : public BackendTest {};

INSTANTIATE_TEST_SUITE_P(Sampler, SamplerOfBackend, testing::ValuesIn(backends_but_reference()),
                         name_of_param);

/// The first steps of a row, as a batch.
std::vector<TestRow> steps_of(TestRow row, std::size_t steps = 32) {
  std::vector<TestRow> rows(steps, row);
  for (std::size_t i = 0; i < steps; ++i) rows[i].step = static_cast<std::uint32_t>(i);
  return rows;
}

/// The edge cases of edge_test.cpp, which says what the answers are.
std::vector<TestRow> edge_rows() {
  const std::vector<float> logits = {0.5F, 2.0F, -1.0F, 2.0F, 1.0F, 0.0F, 1.5F};
  const float tiny = std::numeric_limits<float>::denorm_min();
  const std::vector<float> nan_among = {0.5F, kNan, -1.0F, 2.0F, 1.0F, 0.0F, 1.5F};
  std::vector<TestRow> rows = {
      {.logits = {-3.0F}},
      {.logits = {kNan}},
      {.logits = {-kInfinity}},
      {.logits = logits, .allowed = {0}},
      {.logits = {kNan, kNan}},
      {.logits = nan_among},
      {.logits = {1.0F, kNan}, .allowed = {1}},
      {.logits = {0.5F, 2.0F, kInfinity, 2.0F}},
      {.logits = {kInfinity, 3.0F, kInfinity}},
      {.logits = {kInfinity, 3.0F, kInfinity}, .params = {.temperature = 0.0}},
      {.logits = {kInfinity, kInfinity, kNan}, .params = {.top_k = 1}},
      {.logits = {-kInfinity, 1.0F, -kInfinity}, .params = {.temperature = kInfinity}},
      {.logits = std::vector<float>(5, 7.0F)},
      {.logits = logits, .params = {.temperature = 0.0}},
      {.logits = {0x1.0p-110F, 0x1.000002p-110F}, .params = {.temperature = 0x1p40, .top_k = 1}},
      {.logits = std::vector<float>(6, 1.0F), .params = {.top_k = 2}},
      {.logits = logits, .params = {.top_p = 1.0 - 0x1p-24}},
      {.logits = std::vector<float>(7, 0.0F), .params = {.top_p = 1.0 - 0x1p-33}},
      {.logits = {0.0F, -40.0F, -50.0F}, .params = {.top_p = 1.0 - 0x1p-33}},
      {.logits = logits, .params = {.top_p = 1e-300}},
      {.logits = logits, .params = {.min_p = 1.0}},
      {.logits = {-FLT_MAX, 0.0F, FLT_MAX, 5.0F}, .params = {.temperature = kInfinity}},
      {.logits = {-FLT_MAX, 0.0F, FLT_MAX, 5.0F}, .params = {.typical_p = 0.5}},
      {.logits = logits, .params = {.temperature = 1e-30}},
      {.logits = {0.0F, tiny}, .params = {.temperature = 0.0}},
      {.logits = {-tiny, 0.0F}, .params = {.min_p = 1.0}},
      {.logits = {-FLT_MAX, FLT_MAX, 0.0F}},
      {.logits = {-FLT_MAX, FLT_MAX, 0.0F}, .params = {.top_k = 2}},
      {.logits = {FLT_MAX, 1.0F, -FLT_MAX}, .params = {.temperature = 0.5}},
      {.logits = {-0.0F, 0.0F}, .params = {.temperature = 0.0}},
      {.logits = {0.0F, -0.0F}, .params = {.min_p = 1.0}},
      {.logits = {0.0F, -0.0F, 0.0F, -0.0F}, .params = {.top_k = 3}},
      {.logits = {1.0F, 2.0F, 3.0F}, .bias = {0.0F, kInfinity, 1e30F}, .allowed = {5}},
      {.logits = logits,
       .params = {.repetition_penalty = 1.25, .frequency_penalty = 0.25, .presence_penalty = 0.1},
       .window = {3, 3, -1, 3, 99}},
      {.logits = {-1.0F, -1.5F},
       .params = {.temperature = 0.0, .repetition_penalty = 2.0},
       .window = {0}},
  };
  for (const int k : {-3, 0, 7, 100}) rows.push_back({.logits = logits, .params = {.top_k = k}});
  for (const std::size_t v : {31U, 32U, 33U, 63U, 64U, 65U, 1024U, 1025U}) {
    const auto last = static_cast<std::int32_t>(v - 1);
    rows.push_back({.logits = std::vector<float>(v), .allowed = mask_of({last}, v)});
  }
  return rows;
}

TEST_P(SamplerOfBackend, AnswersEveryEdgeCase) {
  for (const TestRow& row : edge_rows()) {
    EXPECT_EQ(expect_equal(backend(), steps_of(row), {}), 0) << describe(row);
  }
}

/// Each filter alone, each pair and all of them, over rows of every mapping of the kernels, with
/// continuous logits, with many ties and with all equal.
TEST_P(SamplerOfBackend, FiltersAloneAndCombined) {
  constexpr std::size_t kVocabularies[] = {7, 32, 100, 1024, 1500};
  for (const std::size_t vocabulary : kVocabularies) {
    std::vector<TestRow> rows;
    for (int filters = 0; filters < 16; ++filters) {
      for (const float grid : {0.0F, 0.5F, 100.0F}) {
        TestRow row = {.logits = std::vector<float>(vocabulary), .sequence = rows.size()};
        for (std::size_t i = 0; i < vocabulary; ++i) {
          const float x = 6.0F * std::sin(static_cast<float>(i * i) + 0.37F);
          row.logits[i] = grid > 0.0F ? std::round(x / grid) * grid : x;
        }
        if ((filters & 1) != 0) row.params.top_k = static_cast<int>(vocabulary / 2);
        if ((filters & 2) != 0) row.params.top_p = 0.8;
        if ((filters & 4) != 0) row.params.min_p = 0.02;
        if ((filters & 8) != 0) row.params.typical_p = 0.7;
        rows.push_back(row);
      }
    }
    EXPECT_EQ(expect_equal(backend(), rows, {}), 0) << "V=" << vocabulary;
  }
}

// As of the cpu sampler: one token at 0 and n at -ln n are equally typical up to rounding.
TEST_P(SamplerOfBackend, BreaksTypicalTiesByRank) {
  for (std::size_t n = 2; n < 40; ++n) {
    std::vector<TestRow> rows;
    float x = -exact_log(static_cast<float>(n));
    for (int ulp = 0; ulp < 4; ++ulp) x = std::nextafter(x, -1e9F);
    for (int ulp = 0; ulp < 8; ++ulp, x = std::nextafter(x, 0.0F)) {
      TestRow row = {.logits = std::vector<float>(n + 1, x), .params = {.typical_p = 1e-9}};
      row.logits.back() = 0.0F;
      rows.push_back(row);
    }
    EXPECT_EQ(expect_equal(backend(), rows, {}), 0) << n;
  }
}

// Words below 2^10 are extended. The rival's score lies between those with and without that.
TEST_P(SamplerOfBackend, ReadsTheTailExtension) {
  std::vector<TestRow> rows;
  for (std::uint32_t step = 0; rows.size() < 3; ++step) {
    const std::uint32_t word = random_bits(3, {RandomPurpose::sample, 0, step, 0});
    if (word >= draw::kTailWords) continue;
    const float extended = draw::token_noise({3, 0, step}, 0);
    const float plain = draw::gumbel(draw::unit(word));
    const float rival = draw::token_noise({3, 0, step}, 1);
    rows.push_back({.logits = {0.0F, extended / 2 + plain / 2 - rival}, .seed = 3, .step = step});
  }
  EXPECT_EQ(expect_equal(backend(), rows, {}), 0);
}

/// A row gives the same in any place of any batch.
TEST_P(SamplerOfBackend, DoesNotDependOnTheOtherRows) {
  RandomRows random(5);
  for (const std::size_t vocabulary : {20U, 300U, 1100U}) {
    std::vector<TestRow> rows = random_batch(random, vocabulary, 24);
    for (TestRow& row : rows) row.bias.clear();
    const std::vector<SampleResult> together = BackendDraw(backend(), rows).run({});
    std::vector<TestRow> turned(rows.rbegin(), rows.rend());
    turned.insert(turned.end(), rows.begin(), rows.end());
    const std::vector<SampleResult> other = BackendDraw(backend(), turned).run({});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::vector<SampleResult> alone = BackendDraw(backend(), {&rows[i], 1}).run({});
      EXPECT_EQ(describe(alone[0]), describe(together[i]));
      EXPECT_EQ(describe(other[rows.size() - 1 - i]), describe(together[i]));
      EXPECT_EQ(describe(other[rows.size() + i]), describe(together[i]));
    }
  }
}

TEST_P(SamplerOfBackend, DrawsMoreRowsThanAGridHasBlocks) {
  std::vector<TestRow> rows(70'000 / kSanitizerCut, {.logits = {1.0F, 2.0F, 0.5F}});
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].sequence = i;
  EXPECT_EQ(expect_equal(backend(), rows, {}), 0);
}

/// Every key as sample_key() says, and the sum of their log-probabilities.
TEST_P(SamplerOfBackend, DrawsTheKeysOfFrames) {
  const double temperatures[] = {1.0, 0.0, 0.5, 3.0, static_cast<double>(kInfinity)};
  for (const std::size_t width : {1U, 3U, 4U, 5U, 88U, 127U, 128U, 300U}) {
    RandomRows random(width);
    std::vector<TestRow> rows;
    for (std::size_t i = 0; i < 10; ++i) {
      rows.push_back({.logits = random.next(width).logits,
                      .params = {.temperature = temperatures[i % 5]},
                      .seed = 9,
                      .sequence = i << 33,
                      .step = static_cast<std::uint32_t>(i)});
    }
    const KeysDraw drawn = BackendDraw(backend(), rows).run_keys();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const TestRow& row = rows[i];
      const float inverse_temperature = pack(row.params).inverse_temperature;
      double sum = 0.0;
      for (std::size_t d = 0; d < width; ++d) {
        const bool on = sample_key(row.logits[d], inverse_temperature, row.seed, row.sequence,
                                   row.step, static_cast<std::uint32_t>(d));
        EXPECT_EQ(drawn.keys[i * width + d], on ? 1.0F : 0.0F) << "key " << d << " of row " << i;
        const auto logit = static_cast<double>(on ? row.logits[d] : -row.logits[d]);
        sum -= std::fmax(-logit, 0.0) + std::log1p(std::exp(-std::fabs(logit)));
      }
      if (std::isnan(sum)) {
        EXPECT_TRUE(std::isnan(drawn.log_probability[i])) << "row " << i;
      } else {
        EXPECT_FLOAT_EQ(drawn.log_probability[i], static_cast<float>(sum)) << "row " << i;
      }
    }
  }
}

/// Wider than the shared memory of an SM.
TEST_P(SamplerOfBackend, DrawsTheWidestRows) {
  RandomRows random(6);
  for (const std::size_t vocabulary : {8'192U, 8'193U, 40'000U}) {
    EXPECT_EQ(expect_equal(backend(), random_batch(random, vocabulary, 4), {}), 0) << vocabulary;
  }
}

}  // namespace
}  // namespace cadenza::test
