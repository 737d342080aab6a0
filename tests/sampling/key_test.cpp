// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "cadenza/sampling.h"
#include "core/draw.h"
#include "support/special_numbers.h"

namespace cadenza {
namespace {

using test::kInfinity;

int count_on(float logit, float inverse_temperature, int draws) {
  int on = 0;
  for (int i = 0; i < draws; ++i) {
    on += sample_key(logit, inverse_temperature, 5, static_cast<std::uint64_t>(i / 88), 3,
                     static_cast<std::uint32_t>(i % 88))
              ? 1
              : 0;
  }
  return on;
}

TEST(SampleKey, IsOnAsOftenAsTheSigmoidSays) {
  constexpr int kDraws = 100'000;
  for (const float logit : {-6.0F, -3.0F, -0.7F, 0.0F, 0.7F, 3.0F, 6.0F}) {
    const double p = 1.0 / (1.0 + std::exp(-static_cast<double>(logit)));
    const double sigma = std::sqrt(kDraws * p * (1.0 - p));
    EXPECT_NEAR(count_on(logit, 1.0F, kDraws), kDraws * p, 4.0 * sigma) << logit;
    EXPECT_NEAR(count_on(2.0F * logit, 0.5F, kDraws), kDraws * p, 4.0 * sigma) << logit;
  }
}

TEST(SampleKey, AtTemperatureZeroAsksForAPositiveLogit) {
  EXPECT_EQ(count_on(1e-30F, kInfinity, 100), 100);
  EXPECT_EQ(count_on(0.0F, kInfinity, 100), 0);
  EXPECT_EQ(count_on(-1e-30F, kInfinity, 100), 0);
}

TEST(SampleKey, NanIsOffAndInfinitiesAreCertain) {
  for (const float inverse_temperature : {0.0F, 1.0F, kInfinity}) {
    EXPECT_EQ(count_on(std::nanf(""), inverse_temperature, 100), 0);
    EXPECT_EQ(count_on(kInfinity, inverse_temperature, 100), 100);
    EXPECT_EQ(count_on(-kInfinity, inverse_temperature, 100), 0);
  }
}

// Folding makes the noise of a word and of its complement opposite, so neither tail is coarser.
TEST(SampleKey, NoiseReachesBothTailsAlike) {
  float lowest = 0.0F;
  float highest = 0.0F;
  for (std::uint32_t key = 0; key < 1U << 20; ++key) {
    const float noise = draw::key_noise({11, 0, 0}, key);
    lowest = std::min(lowest, noise);
    highest = std::max(highest, noise);
  }
  EXPECT_LT(lowest, -11.0F);
  EXPECT_GT(highest, 11.0F);
}

}  // namespace
}  // namespace cadenza
