// SPDX-License-Identifier: Apache-2.0
#include "cadenza/exact_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/special_numbers.h"

namespace cadenza {
namespace {

using test::kInfinity;
// A prime number of floats between two probes: every exponent gets 8,000 different significands.
constexpr std::uint32_t kStride = 1021;

/// |value - truth| in units of the last place of truth.
double error_in_ulp(float value, double truth) {
  if (truth == 0.0) return value == 0.0F ? 0.0 : kInfinity;
  const double magnitude = std::max(std::fabs(truth), double{std::numeric_limits<float>::min()});
  const double ulp = std::ldexp(1.0, std::ilogb(magnitude) - 23);
  return std::fabs(value - truth) / ulp;
}

/// The worst error of `approximate` against `truth` over positive floats up to `last`, times sign.
template <typename Approximate, typename Truth>
double worst_error(Approximate approximate, Truth truth, float sign, float last) {
  double worst = 0.0;
  for (std::uint32_t bits = 1; bits <= float_bits(last); bits += kStride) {
    const float x = sign * bits_float(bits);
    worst = std::max(worst, error_in_ulp(approximate(x), truth(static_cast<double>(x))));
  }
  return worst;
}

TEST(ExactLog, IsWithinOneUlpOverAllPositiveFloats) {
  const auto truth = [](double x) { return std::log(x); };
  EXPECT_LT(worst_error(exact_log, truth, 1.0F, std::numeric_limits<float>::max()), 1.0);
}

TEST(ExactLog1p, IsWithinOneUlpOverItsDomain) {
  const auto truth = [](double x) { return std::log1p(x); };
  EXPECT_LT(worst_error(exact_log1p, truth, 1.0F, std::numeric_limits<float>::max()), 1.0);
  EXPECT_LT(worst_error(exact_log1p, truth, -1.0F, 0x1.fffffep-1F), 1.0);
}

TEST(ExactExp, IsWithinItsBoundOverItsDomain) {
  const auto truth = [](double x) { return std::exp(x); };
  EXPECT_LT(worst_error(exact_exp, truth, 1.0F, 88.72283F), 1.02);
  EXPECT_LT(worst_error(exact_exp, truth, -1.0F, 103.9F), 1.02);
}

TEST(ExactMath, HasExactAnswersAtTheEnds) {
  EXPECT_EQ(exact_log(1.0F), 0.0F);
  EXPECT_EQ(exact_log(0.0F), -kInfinity);
  EXPECT_EQ(exact_log(-0.0F), -kInfinity);
  EXPECT_EQ(exact_log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(exact_log(-1.0F)));
  EXPECT_TRUE(std::isnan(exact_log(std::nanf(""))));
  EXPECT_EQ(exact_log1p(0.0F), 0.0F);
  EXPECT_EQ(exact_log1p(-1.0F), -kInfinity);
  EXPECT_EQ(exact_log1p(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(exact_log1p(-1.5F)));
  EXPECT_EQ(exact_exp(0.0F), 1.0F);
  EXPECT_EQ(exact_exp(-kInfinity), 0.0F);
  EXPECT_EQ(exact_exp(kInfinity), kInfinity);
  EXPECT_EQ(exact_exp(88.8F), kInfinity);
  EXPECT_TRUE(std::isnan(exact_exp(std::nanf(""))));
}

// Known bits, so that no compiler, flag or processor changes them unnoticed.
TEST(ExactMath, HasTheseBits) {
  std::uint64_t hash = 1469598103934665603ULL;
  const auto add = [&hash](float value) { hash = (hash ^ float_bits(value)) * 1099511628211ULL; };
  for (std::uint32_t bits = 1; bits < float_bits(0x1.fffffep-1F); bits += 10007) {
    add(exact_log(bits_float(bits)));
    add(exact_log1p(-bits_float(bits)));
    add(exact_exp(-32.0F * bits_float(bits)));
  }
  EXPECT_EQ(hash, 949245864402306334U);
}

}  // namespace
}  // namespace cadenza
