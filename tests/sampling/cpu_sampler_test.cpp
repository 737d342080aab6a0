// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <cstdlib>

#include "backend/cpu/sampler.h"
#include "cadenza/error.h"
#include "core/draw.h"
#include "sampling/random_row.h"

namespace cadenza::test {
namespace {

std::string describe(const SampleResult& result) {
  return message(result.token, " ", float_bits(result.log_probability), " ",
                 float_bits(result.raw_log_probability), " ", float_bits(result.entropy), " ",
                 result.status);
}

std::string describe(const TestRow& test) {
  const SamplingParams& p = test.params;
  return message("V=", test.logits.size(), " T=", p.temperature, " top_k=", p.top_k,
                 " top_p=", p.top_p, " min_p=", p.min_p, " typical=", p.typical_p,
                 " window=", test.window.size(), " bias=", test.bias.size(),
                 " mask=", test.allowed.size());
}

/// Draws `count` random rows both ways and compares every output bit, with and without scores.
void expect_equal_to_reference(int count, std::uint64_t seed) {
  constexpr int kBatch = 64;
  RandomRows random(seed);
  int mismatches = 0;
  for (int start = 0; start < count && mismatches < 3; start += kBatch) {
    std::vector<TestRow> tests;
    std::vector<SampleRow> rows;
    for (int i = 0; i < kBatch; ++i) tests.push_back(random.next());
    for (const TestRow& test : tests) rows.push_back(test.row());
    for (int i = 0; i < kBatch; ++i) rows[static_cast<std::size_t>(i)].scores = i % 2 == 0;
    std::vector<SampleResult> results(rows.size());
    cpu::sample_rows(rows, results);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const SampleResult expected = sample_row(rows[i]);
      if (describe(results[i]) == describe(expected)) continue;
      ++mismatches;
      ADD_FAILURE() << cpu::sampler_target() << ", row " << start << " + " << i << " of seed "
                    << seed << ": " << describe(tests[i]) << "\n  expected " << describe(expected)
                    << "\n  got      " << describe(results[i]);
    }
  }
}

// The full comparison: CADENZA_SAMPLER_ROWS=1000000 sampling_test --gtest_filter='CpuSampler.*'
TEST(CpuSampler, GivesTheBitsOfTheReference) {
  const char* rows = std::getenv("CADENZA_SAMPLER_ROWS");
  expect_equal_to_reference(rows != nullptr ? std::atoi(rows) : 20'000, 1);
}

TEST(CpuSampler, GivesTheBitsOfTheReferenceOnEveryInstructionSet) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(cpu::sampler_target());
    expect_equal_to_reference(2'000, 2);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

SampleResult draw_on_cpu(const SampleRow& row) {
  SampleResult result;
  cpu::sample_rows({&row, 1}, {&result, 1});
  return result;
}

// Random rows hardly ever depend on the tail's further bits. Here the rival's score lies between
// those of the tail token with and without them.
TEST(CpuSampler, ReadsTheTailExtension) {
  const std::uint64_t seed = 3;
  int found = 0;
  for (std::uint32_t step = 0; found < 3; ++step) {
    const std::uint32_t word = random_bits(seed, {RandomPurpose::sample, 0, step, 0});
    if (word >= draw::kTailWords) continue;
    ++found;
    const float extended = draw::token_noise({seed, 0, step}, 0);
    const float plain = draw::gumbel(draw::unit(word));
    ASSERT_NE(extended, plain);
    const float rival = draw::token_noise({seed, 0, step}, 1);
    TestRow test = {.logits = {0.0F, extended / 2 + plain / 2 - rival}, .seed = seed, .step = step};
    EXPECT_EQ(draw_on_cpu(test.row()).token, extended > plain ? 0 : 1);
    EXPECT_EQ(sample_row(test.row()).token, extended > plain ? 0 : 1);
  }
}

// One token at 0 and n at -ln n are equally typical up to rounding; some of these rows tie exactly.
TEST(CpuSampler, BreaksTypicalTiesByRank) {
  for (int n = 2; n < 200; ++n) {
    float x = -exact_log(static_cast<float>(n));
    for (int ulp = 0; ulp < 4; ++ulp) x = std::nextafter(x, -1e9F);
    for (int ulp = 0; ulp < 8; ++ulp, x = std::nextafter(x, 0.0F)) {
      TestRow test = {.logits = std::vector<float>(static_cast<std::size_t>(n) + 1, x)};
      test.logits.back() = 0.0F;
      test.params.typical_p = 1e-9;
      EXPECT_EQ(draw_on_cpu(test.row()).token, sample_row(test.row()).token);
    }
  }
}

TEST(CpuSampler, DrawsNoRowsAndMoreRowsThanAGridHasBlocks) {
  cpu::sample_rows({}, {});
  TestRow test = {.logits = {1.0F, 2.0F, 0.5F}};
  std::vector<SampleRow> rows(70'000, test.row());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].sequence = i;
  std::vector<SampleResult> results(rows.size());
  cpu::sample_rows(rows, results);
  for (const std::size_t i : {0UL, 65'535UL, 65'536UL, 69'999UL}) {
    EXPECT_EQ(results[i].token, sample_row(rows[i]).token);
  }
}

// Rows that differ in parameters and width share a batch in any order.
TEST(CpuSampler, DoesNotDependOnTheOtherRows) {
  RandomRows random(4);
  std::vector<TestRow> tests;
  std::vector<SampleRow> rows;
  for (int i = 0; i < 500; ++i) tests.push_back(random.next());
  for (const TestRow& test : tests) rows.push_back(test.row());
  std::vector<SampleResult> results(rows.size());
  cpu::sample_rows(rows, results);
  std::vector<SampleRow> reversed(rows.rbegin(), rows.rend());
  std::vector<SampleResult> reversed_results(rows.size());
  cpu::sample_rows(reversed, reversed_results);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(describe(reversed_results[rows.size() - 1 - i]), describe(results[i]));
    EXPECT_EQ(describe(draw_on_cpu(rows[i])), describe(results[i]));
  }
}

TEST(CpuSampler, RefusesAMalformedRowBeforeDrawingAny) {
  TestRow good = {.logits = {1.0F, 2.0F}};
  TestRow bad = {.logits = {1.0F}, .fallback = 1};
  const std::vector<SampleRow> rows = {good.row(), bad.row()};
  std::vector<SampleResult> results(2, SampleResult{.token = -7});
  EXPECT_THROW(cpu::sample_rows(rows, results), ArgumentError);
  EXPECT_EQ(results[0].token, -7);
  results.pop_back();
  EXPECT_THROW(cpu::sample_rows(std::span(rows).first(1), {}), ArgumentError);
}

}  // namespace
}  // namespace cadenza::test
