// SPDX-License-Identifier: Apache-2.0
// What a draw must not depend on. Each test counts violations as a function of a sampler: none by
// ours, many by one broken in just that way.
#include <gtest/gtest.h>

#include <algorithm>

#include "backend/cpu/sampler.h"
#include "sampling/broken_samplers.h"

namespace cadenza::test {
namespace {

std::vector<TestRow> different_rows(std::size_t count) {
  std::vector<TestRow> tests;
  for (std::size_t i = 0; i < count; ++i) {
    TestRow test = {.logits = std::vector<float>(20), .seed = 77, .sequence = 100 + i};
    for (std::size_t j = 0; j < test.logits.size(); ++j) {
      test.logits[j] = static_cast<float>((i * 31 + j * 17) % 13) / 4.0F;
    }
    tests.push_back(test);
  }
  return tests;
}

std::vector<std::int32_t> draw_all(const Sampler& sampler, const std::vector<TestRow>& tests) {
  std::vector<SampleRow> rows;
  for (const TestRow& test : tests) rows.push_back(test.row());
  std::vector<SampleResult> results(rows.size());
  sampler(rows, results);
  std::vector<std::int32_t> tokens;
  for (const SampleResult& result : results) tokens.push_back(result.token);
  return tokens;
}

/// Rows whose token changes when the batch is turned around, or cut.
std::size_t slot_violations(const Sampler& sampler) {
  std::vector<TestRow> tests = different_rows(200);
  const std::vector<std::int32_t> tokens = draw_all(sampler, tests);
  std::reverse(tests.begin(), tests.end());
  std::vector<std::int32_t> turned = draw_all(sampler, tests);
  std::reverse(turned.begin(), turned.end());
  std::reverse(tests.begin(), tests.end());
  std::size_t violations = 0;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    violations += turned[i] != tokens[i] ? 1 : 0;
    violations += draw_all(sampler, {tests[i]})[0] != tokens[i] ? 1 : 0;
  }
  return violations;
}

TEST(Invariance, TokensDoNotDependOnTheSlot) { EXPECT_EQ(slot_violations(cpu::sample_rows), 0U); }

TEST(Invariance, SlotTestSeesNoiseKeyedBySlot) { EXPECT_GT(slot_violations(keyed_by_slot()), 50U); }

/// Rows whose token changes when a token that had not won is masked.
std::size_t mask_violations(const Sampler& sampler) {
  std::vector<TestRow> tests = different_rows(200);
  const std::vector<std::int32_t> tokens = draw_all(sampler, tests);
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const auto largest = std::max_element(tests[i].logits.begin(), tests[i].logits.end());
    auto masked = static_cast<std::int32_t>(largest - tests[i].logits.begin());
    if (masked == tokens[i]) masked = (masked + 1) % 20;
    tests[i].allowed = {~(1U << masked)};
  }
  const std::vector<std::int32_t> after = draw_all(sampler, tests);
  std::size_t violations = 0;
  for (std::size_t i = 0; i < tests.size(); ++i) violations += after[i] != tokens[i] ? 1 : 0;
  return violations;
}

TEST(Invariance, MaskingALoserChangesNothing) { EXPECT_EQ(mask_violations(cpu::sample_rows), 0U); }

TEST(Invariance, MaskTestSeesNoiseKeyedByRank) { EXPECT_GT(mask_violations(keyed_by_rank()), 50U); }

/// A filter that keeps the winner leaves it the winner.
TEST(Invariance, AFilterThatKeepsTheWinnerChangesNothing) {
  std::vector<TestRow> tests = different_rows(500);
  const std::vector<std::int32_t> tokens = draw_all(cpu::sample_rows, tests);
  for (TestRow& test : tests) test.params = {.top_k = 12, .min_p = 0.01};
  const std::vector<std::int32_t> after = draw_all(cpu::sample_rows, tests);
  std::size_t same = 0;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const float x = tests[i].logits[static_cast<std::size_t>(tokens[i])];
    const auto above = std::count_if(tests[i].logits.begin(), tests[i].logits.end(),
                                     [x](float other) { return other >= x; });
    if (above > 12) continue;
    EXPECT_EQ(after[i], tokens[i]);
    ++same;
  }
  EXPECT_GT(same, 300U);
}

/// Songs of one batch that are equal although their sequences differ.
std::size_t equal_songs(const Sampler& sampler) {
  std::vector<TestRow> tests(50, different_rows(1)[0]);
  for (std::size_t i = 0; i < tests.size(); ++i) tests[i].sequence = i;
  std::vector<std::vector<std::int32_t>> songs(tests.size());
  for (std::uint32_t step = 0; step < 20; ++step) {
    for (TestRow& test : tests) test.step = step;
    const std::vector<std::int32_t> tokens = draw_all(sampler, tests);
    for (std::size_t i = 0; i < songs.size(); ++i) songs[i].push_back(tokens[i]);
  }
  std::sort(songs.begin(), songs.end());
  return static_cast<std::size_t>(songs.end() - std::unique(songs.begin(), songs.end()));
}

TEST(Invariance, SequencesOfOneSeedGiveDifferentSongs) {
  EXPECT_EQ(equal_songs(cpu::sample_rows), 0U);
  EXPECT_EQ(equal_songs(shared_stream()), 49U);
}

}  // namespace
}  // namespace cadenza::test
