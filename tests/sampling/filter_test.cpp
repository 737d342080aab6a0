// SPDX-License-Identifier: Apache-2.0
// Which tokens each filter keeps, how often they then come up, and the numbers reported with them,
// against plain double arithmetic.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backend/cpu/sampler.h"
#include "sampling/broken_samplers.h"
#include "sampling/statistics.h"

namespace cadenza::test {
namespace {

void normalize(std::vector<double>& p) {
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
}

double entropy_of(const std::vector<double>& p) {
  double entropy = 0.0;
  for (const double value : p) entropy -= value > 0.0 ? value * std::log(value) : 0.0;
  return entropy;
}

constexpr auto kAll = static_cast<std::size_t>(-1);

/// Keeps tokens in ascending order of `key` until `share` of the mass or `count` of them is
/// reached.
void keep_first(std::vector<double>& p, const std::vector<double>& key, double share,
                std::size_t count) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&key](std::size_t a, std::size_t b) { return key[a] < key[b]; });
  double mass = 0.0;
  std::size_t kept = 0;
  for (const std::size_t i : order) {
    const double mine = p[i];
    if (mass >= share || kept >= count) p[i] = 0.0;
    mass += mine;
    ++kept;
  }
  normalize(p);
}

std::vector<double> negated(std::vector<double> values) {
  for (double& value : values) value = -value;
  return values;
}

/// The filtered distribution of docs/sampling.md in doubles.
std::vector<double> filtered(const TestRow& test) {
  const SamplingParams& params = test.params;
  std::vector<double> p(test.logits.begin(), test.logits.end());
  for (double& value : p) value = std::exp(value / params.temperature);
  normalize(p);
  if (params.top_k > 0) keep_first(p, negated(p), 2.0, static_cast<std::size_t>(params.top_k));
  if (params.top_p < 1.0) keep_first(p, negated(p), params.top_p, kAll);
  if (params.min_p > 0.0) {
    const double least = params.min_p * *std::max_element(p.begin(), p.end());
    for (double& value : p) value = value < least ? 0.0 : value;
    normalize(p);
  }
  if (params.typical_p < 1.0) {
    const double entropy = entropy_of(p);
    std::vector<double> distance;
    for (const double value : p) {
      distance.push_back(value > 0.0 ? std::fabs(-std::log(value) - entropy) : 1e300);
    }
    keep_first(p, distance, params.typical_p, kAll);
  }
  return p;
}

TestRow filter_row(const SamplingParams& params) {
  TestRow test = {.params = params, .seed = 31};
  for (int i = 0; i < 40; ++i) {
    test.logits.push_back(static_cast<float>(3.0 * std::sin(1.7 * i) + 0.9 * std::cos(0.3 * i)));
  }
  return test;
}

const std::vector<SamplingParams> kFilters = {
    {.top_k = 5},
    {.temperature = 0.7, .top_k = 12},
    {.top_p = 0.5},
    {.temperature = 1.5, .top_p = 0.9},
    {.min_p = 0.1},
    {.typical_p = 0.4},
    {.temperature = 2.0, .typical_p = 0.8},
    {.top_k = 10, .top_p = 0.7},
    {.top_k = 20, .typical_p = 0.6},
    {.top_p = 0.9, .min_p = 0.2},
    {.temperature = 1.2, .top_k = 25, .top_p = 0.95, .min_p = 0.05, .typical_p = 0.9}};

TEST(Filter, DrawsExactlyTheKeptTokens) {
  for (const SamplingParams& params : kFilters) {
    const TestRow test = filter_row(params);
    const std::vector<double> p = filtered(test);
    const std::vector<std::int64_t> counts = count_draws(cpu::sample_rows, test, 20'000);
    for (std::size_t i = 0; i < p.size(); ++i) {
      EXPECT_EQ(counts[i] > 0, p[i] > 0.0) << "token " << i << ", top_k " << params.top_k;
    }
  }
}

double smallest_filter_p(const Sampler& sampler) {
  double smallest = 1.0;
  for (const SamplingParams& params : kFilters) {
    const TestRow test = filter_row(params);
    smallest = std::min(smallest, chi_square_p(count_draws(sampler, test, 20'000), filtered(test)));
  }
  return smallest * static_cast<double>(kFilters.size());
}

TEST(Filter, DrawsTheKeptTokensInProportion) {
  EXPECT_GT(smallest_filter_p(cpu::sample_rows), kLevel);
}

/// Our draw with the packed parameters changed by `change`.
template <typename Change>
Sampler with_params(Change change) {
  return [change](std::span<const SampleRow> rows, std::span<SampleResult> results) {
    std::vector<SampleRow> changed(rows.begin(), rows.end());
    for (SampleRow& row : changed) change(row.params);
    cpu::sample_rows(changed, results);
  };
}

TEST(Filter, ChiSquareSeesASlightlyWrongTemperature) {
  const Sampler warm = with_params([](RowSampling& params) { params.inverse_temperature *= 0.9F; });
  EXPECT_LT(smallest_filter_p(warm), kLevel);
}

TEST(Filter, ChiSquareSeesAnIgnoredFilter) {
  EXPECT_LT(smallest_filter_p(with_params([](RowSampling& params) { params.typical_p = 0; })),
            kLevel);
  EXPECT_LT(smallest_filter_p(with_params([](RowSampling& params) { params.top_p = 0; })), kLevel);
}

/// How many different tokens come up where top_k renormalises before top_p: .30 of the .79 that
/// three tokens hold is more than .35, but .30 alone is not.
std::size_t sequential_support(const Sampler& sampler) {
  TestRow test = {.params = {.top_k = 3, .top_p = 0.35}};
  for (const double p : {0.30, 0.25, 0.24, 0.11, 0.10}) {
    test.logits.push_back(static_cast<float>(std::log(p)));
  }
  std::size_t support = 0;
  for (const std::int64_t count : count_draws(sampler, test, 2'000)) support += count > 0 ? 1 : 0;
  return support;
}

TEST(Filter, TopPCountsTheMassThatTopKLeft) {
  EXPECT_EQ(sequential_support(cpu::sample_rows), 1U);
  EXPECT_EQ(sequential_support(with_params([](RowSampling& params) { params.top_k = 0; })), 2U);
}

TEST(Filter, ReportsTheNumbersOfTheFilteredDistribution) {
  for (const SamplingParams& params : kFilters) {
    TestRow test = filter_row(params);
    const std::vector<double> p = filtered(test);
    test.params = SamplingParams{};
    const std::vector<double> raw = filtered(test);
    test.params = params;
    for (test.step = 0; test.step < 50; ++test.step) {
      const SampleResult result = test.draw();
      const auto token = static_cast<std::size_t>(result.token);
      EXPECT_NEAR(result.log_probability, std::log(p[token]), 3e-6);
      EXPECT_NEAR(result.raw_log_probability, std::log(raw[token]), 3e-6);
      EXPECT_NEAR(result.entropy, entropy_of(p), 3e-6);
    }
  }
}

}  // namespace
}  // namespace cadenza::test
