// SPDX-License-Identifier: Apache-2.0
// Each edge case of docs/sampling.md has one answer; one test each.
#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <limits>

#include "cadenza/error.h"
#include "sampling/test_row.h"
#include "support/special_numbers.h"

namespace cadenza::test {
namespace {

void draw_plainly(std::span<const SampleRow> rows, std::span<SampleResult> results) {
  for (std::size_t i = 0; i < rows.size(); ++i) results[i] = sample_row(rows[i]);
}

/// The tokens that `steps` draws of `test` give.
std::vector<std::int32_t> tokens_of(TestRow test, int steps = 64) {
  std::vector<std::int32_t> tokens;
  for (int i = 0; i < steps; ++i) {
    test.step = static_cast<std::uint32_t>(i);
    tokens.push_back(test.draw().token);
  }
  return tokens;
}

std::vector<std::int64_t> counts_of(const TestRow& test, int draws = 384) {
  return count_draws(draw_plainly, test, draws);
}

const std::vector<float> kLogits = {0.5F, 2.0F, -1.0F, 2.0F, 1.0F, 0.0F, 1.5F};

TEST(SampleEdge, OneTokenIsAlwaysDrawnWithCertainty) {
  const SampleResult result = TestRow{.logits = {-3.0F}}.draw();
  EXPECT_EQ(result.token, 0);
  EXPECT_EQ(result.log_probability, 0.0F);
  EXPECT_EQ(result.raw_log_probability, 0.0F);
  EXPECT_EQ(result.entropy, 0.0F);
  EXPECT_EQ(result.status, kSampleOk);
}

TEST(SampleEdge, AllMaskedGivesTheFallback) {
  const SampleResult result = TestRow{.logits = kLogits, .allowed = {0}, .fallback = 4}.draw();
  EXPECT_EQ(result.token, 4);
  EXPECT_EQ(result.status, kSampleAllMasked);
  EXPECT_EQ(result.log_probability, 0.0F);
  EXPECT_LT(result.raw_log_probability, 0.0F);
}

TEST(SampleEdge, AllNanGivesTheFallbackAndBothStatusBits) {
  const SampleResult result = TestRow{.logits = {kNan, kNan}, .fallback = 1}.draw();
  EXPECT_EQ(result.token, 1);
  EXPECT_EQ(result.status, kSampleAllMasked | kSampleNan);
  EXPECT_EQ(result.raw_log_probability, -kInfinity);
}

TEST(SampleEdge, NanIsMaskedAndTheRestIsDrawnAsIfItWereNotThere) {
  TestRow with_nan = {.logits = kLogits};
  with_nan.logits[1] = kNan;
  TestRow masked = {.logits = kLogits, .allowed = mask_of({0, 2, 3, 4, 5, 6}, 7)};
  EXPECT_EQ(tokens_of(with_nan), tokens_of(masked));
  EXPECT_EQ(with_nan.draw().status, kSampleNan);
  EXPECT_EQ(with_nan.draw().log_probability, masked.draw().log_probability);
}

TEST(SampleEdge, NanOfAMaskedTokenIsNoIncident) {
  TestRow test = {.logits = {1.0F, kNan}, .allowed = {1}};
  EXPECT_EQ(test.draw().status, kSampleOk);
}

TEST(SampleEdge, TheOnlyPositiveInfinityWins) {
  TestRow test = {.logits = kLogits};
  test.logits[5] = kInfinity;
  for (const std::int32_t token : tokens_of(test)) EXPECT_EQ(token, 5);
  const SampleResult result = test.draw();
  EXPECT_EQ(result.status, kSampleInfinite);
  EXPECT_EQ(result.log_probability, 0.0F);
  EXPECT_EQ(result.raw_log_probability, 0.0F);
}

TEST(SampleEdge, SeveralPositiveInfinitiesAreEqual) {
  TestRow test = {.logits = {kInfinity, 3.0F, kInfinity}};
  const std::vector<std::int64_t> counts = counts_of(test);
  EXPECT_GT(counts[0], 150);
  EXPECT_EQ(counts[1], 0);
  EXPECT_GT(counts[2], 150);
  EXPECT_FLOAT_EQ(test.draw().log_probability, std::log(0.5F));
  test.params.temperature = 0.0;
  EXPECT_EQ(test.draw().token, 0);
}

TEST(SampleEdge, NegativeInfinityIsMaskedSilently) {
  TestRow test = {.logits = {-kInfinity, 1.0F, -kInfinity}};
  test.params.temperature = kInfinity;
  for (const std::int32_t token : tokens_of(test)) EXPECT_EQ(token, 1);
  EXPECT_EQ(test.draw().status, kSampleOk);
}

TEST(SampleEdge, EqualLogitsAreAllDrawn) {
  for (const std::int64_t count : counts_of({.logits = std::vector<float>(5, 7.0F)}, 960)) {
    EXPECT_GT(count, 140);
  }
}

TEST(SampleEdge, GreedyTakesTheLowestOfTwoEqualMaxima) {
  TestRow test = {.logits = kLogits, .params = {.temperature = 0.0}};
  const SampleResult result = test.draw();
  EXPECT_EQ(result.token, 1);
  EXPECT_EQ(result.log_probability, 0.0F);
  EXPECT_EQ(result.entropy, 0.0F);
}

TEST(SampleEdge, GreedyReadsNoNoise) {
  for (const std::int32_t token : tokens_of({.logits = kLogits, .params = {.temperature = 0.0}})) {
    EXPECT_EQ(token, 1);
  }
}

TEST(SampleEdge, TopKOneIsGreedyEvenWhereTheTemperatureWouldMergeLogits) {
  // At 1/T = 2^-40 both logits round to the same subnormal.
  TestRow test = {.logits = {0x1.0p-110F, 0x1.000002p-110F}};
  test.params = {.temperature = 0x1p40, .top_k = 1};
  EXPECT_EQ(test.draw().token, 1);
}

TEST(SampleEdge, TopKOutsideOneToVIsOff) {
  const std::vector<std::int32_t> plain = tokens_of({.logits = kLogits});
  for (const int k : {-3, 0, 7, 100}) {
    EXPECT_EQ(tokens_of({.logits = kLogits, .params = {.top_k = k}}), plain) << k;
  }
}

TEST(SampleEdge, TopKKeepsExactlyKOfTheTied) {
  TestRow test = {.logits = std::vector<float>(6, 1.0F), .params = {.top_k = 2}};
  const std::vector<std::int64_t> counts = counts_of(test);
  EXPECT_GT(counts[0], 150);
  EXPECT_GT(counts[1], 150);
  EXPECT_EQ(counts[0] + counts[1], 384);
}

TEST(SampleEdge, TopPOfOneOrMoreIsOff) {
  EXPECT_EQ(tokens_of({.logits = kLogits, .params = {.top_p = 1.0}}),
            tokens_of({.logits = kLogits, .params = {.top_p = kInfinity}}));
  EXPECT_EQ(pack({.top_p = 1.0}).top_p, 0U);
}

TEST(SampleEdge, TopPJustBelowOneKeepsAllOfAFlatRow) {
  TestRow test = {.logits = std::vector<float>(7, 0.0F), .params = {.top_p = 1.0 - 0x1p-24}};
  EXPECT_EQ(tokens_of(test), tokens_of({.logits = test.logits}));
}

TEST(SampleEdge, TinyTopPKeepsOneToken) {
  for (const std::int32_t token : tokens_of({.logits = kLogits, .params = {.top_p = 1e-300}})) {
    EXPECT_EQ(token, 1);
  }
}

TEST(SampleEdge, MinPOneKeepsTheMaxima) {
  const std::vector<std::int64_t> counts = counts_of({.logits = kLogits, .params = {.min_p = 1.0}});
  EXPECT_EQ(counts[1] + counts[3], 384);
  EXPECT_GT(counts[3], 150);
}

TEST(SampleEdge, InfiniteTemperatureDrawsUniformly) {
  TestRow test = {.logits = {-FLT_MAX, 0.0F, FLT_MAX, 5.0F}};
  test.params.temperature = kInfinity;
  for (const std::int64_t count : counts_of(test, 960)) EXPECT_GT(count, 190);
}

TEST(SampleEdge, VanishingTemperatureIsGreedy) {
  for (const double temperature : {1e-30, 1e-300, 5e-324}) {
    for (const std::int32_t token :
         tokens_of({.logits = kLogits, .params = {.temperature = temperature}}, 8)) {
      EXPECT_EQ(token, 1);
    }
  }
}

TEST(SampleEdge, SubnormalLogitsAndDifferencesAreKept) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ((TestRow{.logits = {0.0F, tiny}, .params = {.temperature = 0.0}}.draw().token), 1);
  EXPECT_EQ((TestRow{.logits = {-tiny, 0.0F}, .params = {.min_p = 1.0}}.draw().token), 1);
}

TEST(SampleEdge, HugeLogitsStayOrdered) {
  TestRow test = {.logits = {-FLT_MAX, FLT_MAX, 0.0F}};
  for (const std::int32_t token : tokens_of(test)) EXPECT_EQ(token, 1);
  EXPECT_EQ(test.draw().log_probability, 0.0F);
  EXPECT_EQ(test.draw().status, kSampleOk);
}

TEST(SampleEdge, OverflowThroughTheTemperatureCountsAsInfinite) {
  TestRow test = {.logits = {FLT_MAX, 1.0F, -FLT_MAX}, .params = {.temperature = 0.5}};
  EXPECT_EQ(test.draw().token, 0);
  EXPECT_EQ(test.draw().status, kSampleInfinite);
}

TEST(SampleEdge, NegativeZeroTiesWithZero) {
  EXPECT_EQ((TestRow{.logits = {-0.0F, 0.0F}, .params = {.temperature = 0.0}}.draw().token), 0);
  EXPECT_EQ((TestRow{.logits = {0.0F, -0.0F}, .params = {.min_p = 1.0}}.draw().entropy),
            (TestRow{.logits = {0.0F, 0.0F}}.draw().entropy));
}

TEST(SampleEdge, TheMaskWinsOverTheBias) {
  TestRow test = {.logits = kLogits, .bias = std::vector<float>(7), .allowed = mask_of({0, 2}, 7)};
  test.bias[1] = 1e30F;
  test.bias[3] = kInfinity;
  for (const std::int32_t token : tokens_of(test)) EXPECT_TRUE(token == 0 || token == 2);
  EXPECT_EQ(test.draw().status, kSampleOk);
}

TEST(SampleEdge, AVocabularyJustPastAMaskWordIsReadToItsEnd) {
  for (const std::size_t v : {31U, 32U, 33U, 63U, 64U, 65U}) {
    const auto last = static_cast<std::int32_t>(v - 1);
    EXPECT_EQ(
        (TestRow{.logits = std::vector<float>(v), .allowed = mask_of({last}, v)}.draw().token),
        last);
  }
}

TEST(SampleEdge, GarbageBehindTheRowIsNotRead) {
  std::vector<float> storage = kLogits;
  storage.insert(storage.end(), {1e30F, kNan, kInfinity});
  TestRow test = {.logits = kLogits};
  SampleRow padded = test.row();
  padded.logits = std::span<const float>(storage).first(kLogits.size());
  for (std::uint32_t step = 0; step < 64; ++step) {
    padded.step = test.step = step;
    EXPECT_EQ(sample_row(padded).token, test.draw().token);
  }
}

TEST(SampleEdge, PenaltiesCountEveryOccurrenceInTheWindow) {
  // Token 3: ((2 / 1.25) - 3 * 0.25) - 0.1 = 0.75, below token 1 at 2.
  TestRow test = {.logits = kLogits, .window = {3, 3, -1, 3, 99}};
  test.params = {.repetition_penalty = 1.25, .frequency_penalty = 0.25, .presence_penalty = 0.1};
  TestRow by_hand = {.logits = kLogits};
  by_hand.logits[3] = ((2.0F / 1.25F) - 3.0F * 0.25F) - 0.1F;
  EXPECT_EQ(tokens_of(test), tokens_of(by_hand));
  EXPECT_EQ(test.draw().entropy, by_hand.draw().entropy);
}

TEST(SampleEdge, RepetitionPenaltyPushesNegativeLogitsDown) {
  TestRow test = {.logits = {-1.0F, -1.5F}, .window = {0}};
  test.params = {.temperature = 0.0, .repetition_penalty = 2.0};
  EXPECT_EQ(test.draw().token, 1);
}

TEST(SampleEdge, RejectsParametersOutsideTheirRange) {
  for (const double bad : {-1.0, static_cast<double>(kNan), -1e-300}) {
    EXPECT_THROW(pack({.temperature = bad}), ArgumentError);
    EXPECT_THROW(pack({.repetition_penalty = bad}), ArgumentError);
    EXPECT_THROW(pack({.top_p = bad}), ArgumentError);
    EXPECT_THROW(pack({.min_p = bad}), ArgumentError);
    EXPECT_THROW(pack({.typical_p = bad}), ArgumentError);
  }
  EXPECT_THROW(pack({.repetition_penalty = 0.0}), ArgumentError);
  EXPECT_THROW(pack({.repetition_penalty = 1e300}), ArgumentError);
  EXPECT_THROW(pack({.frequency_penalty = static_cast<double>(kInfinity)}), ArgumentError);
  EXPECT_THROW(pack({.presence_penalty = static_cast<double>(kNan)}), ArgumentError);
  EXPECT_THROW(pack({.top_p = 0.0}), ArgumentError);
  EXPECT_THROW(pack({.min_p = 1.5}), ArgumentError);
  EXPECT_THROW(pack({.typical_p = 0.0}), ArgumentError);
}

TEST(SampleEdge, RejectsARowWhoseSpansDoNotFit) {
  EXPECT_THROW(TestRow{}.draw(), ArgumentError);
  EXPECT_THROW((TestRow{.logits = kLogits, .bias = {1.0F}}.draw()), ArgumentError);
  EXPECT_THROW((TestRow{.logits = std::vector<float>(33), .allowed = {1}}.draw()), ArgumentError);
  EXPECT_THROW((TestRow{.logits = kLogits, .fallback = 7}.draw()), ArgumentError);
  EXPECT_THROW((TestRow{.logits = kLogits, .fallback = -1}.draw()), ArgumentError);
}

}  // namespace
}  // namespace cadenza::test
