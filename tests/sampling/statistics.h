// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace cadenza::test {

/// A p-value below this is no accident.
inline constexpr double kLevel = 1e-4;

/// Upper tail of the gamma distribution, Q(a, x) (series below a + 1, continued fraction above).
inline double gamma_upper_tail(double a, double x) {
  if (x <= 0.0) return 1.0;
  const double factor = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1.0) {
    double term = 1.0 / a;
    double sum = term;
    for (int n = 1; n < 100'000 && term > sum * 1e-16; ++n) sum += term *= x / (a + n);
    return 1.0 - factor * sum;
  }
  double b = x + 1.0 - a;
  double c = 1e300;
  double d = 1.0 / b;
  double h = d;
  for (int n = 1; n < 100'000; ++n) {
    const double an = -n * (n - a);
    b += 2.0;
    d = 1.0 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::fabs(d * c - 1.0) < 1e-15) break;
  }
  return factor * h;
}

/// p-value of Pearson's chi-square: neighbouring bins are merged until each expects 5 or more. A
/// count where nothing is expected gives 0; a single bin gives 1.
inline double chi_square_p(std::span<const std::int64_t> counts,
                           std::span<const double> probabilities) {
  double draws = 0.0;
  for (const std::int64_t count : counts) draws += static_cast<double>(count);
  struct Bin {
    double count = 0.0;
    double expected = 0.0;
  };
  std::vector<Bin> bins(1);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (probabilities[i] == 0.0 && counts[i] > 0) return 0.0;
    if (bins.back().expected >= 5.0) bins.push_back({});
    bins.back().count += static_cast<double>(counts[i]);
    bins.back().expected += draws * probabilities[i];
  }
  if (bins.size() > 1 && bins.back().expected < 5.0) {
    bins[bins.size() - 2].count += bins.back().count;
    bins[bins.size() - 2].expected += bins.back().expected;
    bins.pop_back();
  }
  if (bins.size() == 1) return 1.0;
  double statistic = 0.0;
  for (const Bin& bin : bins) {
    statistic += (bin.count - bin.expected) * (bin.count - bin.expected) / bin.expected;
  }
  return gamma_upper_tail(0.5 * static_cast<double>(bins.size() - 1), 0.5 * statistic);
}

/// Two-sided p-value of a Poisson count.
inline double poisson_p(std::int64_t count, double mean) {
  const double at_least =
      count == 0 ? 1.0 : 1.0 - gamma_upper_tail(static_cast<double>(count), mean);
  const double at_most = gamma_upper_tail(static_cast<double>(count) + 1.0, mean);
  return std::min(1.0, 2.0 * std::min(at_least, at_most));
}

/// p-value of Kolmogorov and Smirnov for values that are uniform on (0, 1) (asymptotic series).
inline double kolmogorov_smirnov_p(std::vector<double> uniforms) {
  std::sort(uniforms.begin(), uniforms.end());
  const auto n = static_cast<double>(uniforms.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < uniforms.size(); ++i) {
    const auto rank = static_cast<double>(i);
    distance = std::max({distance, uniforms[i] - rank / n, (rank + 1.0) / n - uniforms[i]});
  }
  const double lambda = distance * std::sqrt(n);
  if (lambda < 0.2) return 1.0;
  double sum = 0.0;
  for (int k = 1; k <= 100; ++k) {
    sum += (k % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * k * k * lambda * lambda);
  }
  return std::min(1.0, std::max(0.0, sum));
}

/// Standard deviations by which the correlation of two samples of equal size departs from 0.
inline double correlation_z(std::span<const double> a, std::span<const double> b) {
  double mean_a = 0.0;
  double mean_b = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i] / static_cast<double>(a.size());
    mean_b += b[i] / static_cast<double>(a.size());
  }
  double ab = 0.0;
  double aa = 0.0;
  double bb = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb) * std::sqrt(static_cast<double>(a.size()));
}

}  // namespace cadenza::test
