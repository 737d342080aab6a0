// SPDX-License-Identifier: Apache-2.0
// Whether tokens come up as often as the softmax says, to the far tail. Each test is a function of
// a sampler; it must pass on ours and fail on a broken one.
#include <gtest/gtest.h>

#include <cmath>

#include "backend/cpu/sampler.h"
#include "sampling/broken_samplers.h"
#include "sampling/statistics.h"

namespace cadenza::test {
namespace {

/// Of a whole family of tests; each of its members answers to this over their number.
constexpr double kFamilyLevel = 1e-3;

enum class Shape { flat, peaked, one_and_tail, bimodal, permuted };
constexpr Shape kShapes[] = {Shape::flat, Shape::peaked, Shape::one_and_tail, Shape::bimodal,
                             Shape::permuted};

std::vector<float> shaped_logits(Shape shape, std::size_t v) {
  std::vector<float> logits(v);
  const auto n = static_cast<float>(v);
  for (std::size_t i = 0; i < v; ++i) {
    const auto x = static_cast<float>(i);
    switch (shape) {
      case Shape::flat:
        logits[i] = 0.25F;
        break;
      case Shape::peaked:
        logits[i] = -std::sqrt(x);
        break;
      case Shape::one_and_tail:
        logits[i] = i == v / 2 ? std::log(n) + 2.0F : 0.0F;
        break;
      case Shape::bimodal:
        logits[i] = -8.0F * std::fabs(std::fabs(2.0F * x / n - 1.0F) - 0.5F);
        break;
      case Shape::permuted:
        logits[i] = -0.01F * static_cast<float>(i * 7919 % v % 997);
        break;
    }
  }
  return logits;
}

std::vector<double> softmax(std::span<const float> logits) {
  std::vector<double> p(logits.begin(), logits.end());
  const double maximum = *std::max_element(p.begin(), p.end());
  double sum = 0.0;
  for (double& value : p) sum += value = std::exp(value - maximum);
  for (double& value : p) value /= sum;
  return p;
}

/// Smallest p-value over vocabularies and shapes, times their number (Bonferroni).
double chi_square_family_p(const Sampler& sampler, const std::vector<std::size_t>& vocabularies,
                           std::int64_t tokens_each) {
  double smallest = 1.0;
  for (const std::size_t v : vocabularies) {
    const auto draws = static_cast<int>(
        std::clamp<std::int64_t>(tokens_each / static_cast<std::int64_t>(v), 512, 60'000));
    for (const Shape shape : kShapes) {
      TestRow test = {.logits = shaped_logits(shape, v), .seed = 20 + v};
      const std::vector<std::int64_t> counts = count_draws(sampler, test, draws);
      smallest = std::min(smallest, chi_square_p(counts, softmax(test.logits)));
    }
  }
  return smallest * static_cast<double>(vocabularies.size() * std::size(kShapes));
}

TEST(Distribution, FollowsTheSoftmaxForEveryVocabularyAndShape) {
  EXPECT_GT(chi_square_family_p(cpu::sample_rows,
                                {1, 2, 31, 32, 33, 88, 127, 128, 129, 388, 512, 1000, 1023, 1024,
                                 1025, 4096, 32000, 32768},
                                20'000'000),
            kFamilyLevel);
}

TEST(Distribution, ChiSquareSeesASharedStream) {
  EXPECT_LT(chi_square_family_p(shared_stream(), {33, 88}, 200'000), 1e-9);
}

/// Draws in which token 0 leads `v - 1` others by `gap`, only at steps where its noise is below
/// `below` so that they have a chance; p-value of how often one of them wins.
double tail_race_p(const Sampler& sampler, float gap, double below, int draws, double least) {
  constexpr std::size_t kVocabulary = 16384;
  TestRow test = {.logits = std::vector<float>(kVocabulary), .seed = 5};
  test.logits[0] = gap;
  std::vector<SampleRow> rows;
  const double least_v = -std::expm1(-std::exp(-below));
  double expected = 0.0;
  std::int64_t wins = 0;
  std::vector<SampleResult> results(16);
  for (std::uint32_t step = 0; draws > 0; ++step) {
    const float v = draw::unit(random_bits(test.seed, {RandomPurpose::sample, 0, step, 0}));
    if (v < least_v) continue;
    const double noise = draw::gumbel(v);
    test.step = step;
    rows.push_back(test.row());
    rows.back().scores = false;
    expected += -std::expm1(-(kVocabulary - 1.0) * -std::expm1(-std::exp(-(gap + noise))));
    if (rows.size() < results.size()) continue;
    sampler(rows, results);
    for (const SampleResult& result : results) wins += result.token != 0 ? 1 : 0;
    draws -= static_cast<int>(rows.size());
    rows.clear();
  }
  EXPECT_GT(expected, least);
  return poisson_p(wins, expected);
}

TEST(Distribution, TailTokensWinAtGap12) {
  EXPECT_GT(tail_race_p(cpu::sample_rows, 12.0F, 1e9, 3'000, 200.0), kFamilyLevel);
}

TEST(Distribution, TailTokensWinAtGap16) {
  EXPECT_GT(tail_race_p(cpu::sample_rows, 16.0F, 0.0, 10'000, 30.0), kFamilyLevel);
}

TEST(Distribution, TailTokensWinAtGap20) {
  EXPECT_GT(tail_race_p(cpu::sample_rows, 20.0F, -1.9, 40'000, 9.0), kFamilyLevel);
}

TEST(Distribution, TailRaceSeesAUniformOf24Bits) {
  EXPECT_LT(tail_race_p(tail_of_24_bits(), 20.0F, -1.9, 40'000, 9.0), kFamilyLevel);
}

TEST(Distribution, TailRaceSeesInfiniteNoise) {
  EXPECT_LT(tail_race_p(infinite_noise(), 20.0F, -1.9, 40'000, 9.0), kFamilyLevel);
}

}  // namespace
}  // namespace cadenza::test
