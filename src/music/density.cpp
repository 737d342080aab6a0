// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "cadenza/error.h"
#include "cadenza/judgement.h"

namespace cadenza {
namespace {

constexpr std::size_t kPoints = 4096;
constexpr double kMargin = 5.0;  // bandwidths; beyond lies less than a millionth

double scott(const std::vector<double>& sample) {
  const auto count = static_cast<double>(sample.size());
  if (sample.size() < 2) return 0.0;
  double mean = 0.0;
  for (const double value : sample) mean += value / count;
  double squares = 0.0;
  for (const double value : sample) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / (count - 1.0)) * std::pow(count, -0.2);
}

/// Each value shared between the two points it lies between, in proportion.
std::vector<double> spread(const std::vector<double>& sample, double low, double step) {
  std::vector<double> weights(kPoints);
  for (const double value : sample) {
    const double place = (value - low) / step;
    const auto left = std::min(static_cast<std::size_t>(place), kPoints - 2);
    const double share = place - static_cast<double>(left);
    weights[left] += (1.0 - share) / static_cast<double>(sample.size());
    weights[left + 1] += share / static_cast<double>(sample.size());
  }
  return weights;
}

/// The sum of a kernel at every point, which between points is a function of their distance alone.
std::vector<double> convolve(const std::vector<double>& weights, double bandwidth, double step) {
  std::vector<double> kernel(kPoints);
  for (std::size_t i = 0; i < kPoints; ++i) {
    const double z = static_cast<double>(i) * step / bandwidth;
    kernel[i] = std::exp(-0.5 * z * z) / (bandwidth * std::sqrt(2.0 * std::numbers::pi));
  }
  std::vector<double> density(kPoints);
  for (std::size_t j = 0; j < kPoints; ++j) {
    if (weights[j] == 0.0) continue;
    for (std::size_t i = 0; i < kPoints; ++i) {
      density[i] += weights[j] * kernel[i > j ? i - j : j - i];
    }
  }
  return density;
}

double step_of(const Densities& densities) { return densities.x[1] - densities.x[0]; }

}  // namespace

Densities kernel_densities(std::span<const std::vector<double>> samples) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const std::vector<double>& sample : samples) {
    check(!sample.empty(), "kernel_densities: a sample is empty");
    for (const double value : sample) {
      check(std::isfinite(value), "kernel_densities: a sample holds ", value,
            ", expected finite values");
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  const double span = high > low ? high - low : std::max(std::abs(high), 1.0);
  constexpr double kNarrowest = 1.0 / 400.0;
  std::vector<double> bandwidths;
  for (const std::vector<double>& sample : samples) {
    bandwidths.push_back(std::max(scott(sample), span * kNarrowest));
  }
  const double margin = kMargin * *std::max_element(bandwidths.begin(), bandwidths.end());
  low -= margin;
  const double step = (high + margin - low) / static_cast<double>(kPoints - 1);
  Densities densities;
  for (std::size_t i = 0; i < kPoints; ++i) {
    densities.x.push_back(low + static_cast<double>(i) * step);
  }
  for (std::size_t s = 0; s < samples.size(); ++s) {
    densities.y.push_back(convolve(spread(samples[s], low, step), bandwidths[s], step));
  }
  return densities;
}

double overlapped_area(const Densities& densities, std::size_t a, std::size_t b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < densities.x.size(); ++i) {
    sum += std::min(densities.y[a][i], densities.y[b][i]);
  }
  return sum * step_of(densities);
}

double kl_divergence(const Densities& densities, std::size_t a, std::size_t b) {
  constexpr double kSmallest = 1e-300;
  double sum = 0.0;
  for (std::size_t i = 0; i < densities.x.size(); ++i) {
    const double density = std::max(densities.y[a][i], kSmallest);
    sum += density * std::log(density / std::max(densities.y[b][i], kSmallest));
  }
  return std::max(sum * step_of(densities), 0.0);  // never less, but for rounding
}

}  // namespace cadenza
