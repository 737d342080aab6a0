// SPDX-License-Identifier: Apache-2.0
#include "cadenza/tempo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "music/sounding_notes.h"

namespace cadenza {
namespace {

constexpr double kBin = 0.01;     // seconds
constexpr double kSpread = 0.03;  // starts are played this near to where they are meant
constexpr double kShortest = 0.25;
constexpr double kLongest = 1.5;
constexpr double kCommon = 0.5;   // seconds between beats at 120 a minute
constexpr double kOctaves = 1.4;  // deviation of the preference for it
constexpr auto kBins = static_cast<std::size_t>((kLongest + 2 * kSpread) / kBin) + 1;

/// When notes start, in seconds; those of a chord once.
std::vector<double> starts_of(const Score& score) {
  const TempoMap tempo(score);
  std::vector<double> starts;
  for (const Note& note : sounding_notes(score)) {
    const double start = tempo.seconds(note.start);
    if (starts.empty() || start - starts.back() > kBin) starts.push_back(start);
  }
  return starts;
}

/// The times between starts, each counted in the bins around it the less the farther they are.
std::array<double, kBins> intervals_of(const std::vector<double>& starts) {
  std::array<double, kBins> counts{};
  for (std::size_t i = 0; i < starts.size(); ++i) {
    for (std::size_t j = i + 1; j < starts.size(); ++j) {
      const double interval = starts[j] - starts[i];
      if (interval >= kLongest + kSpread) break;
      const auto first = static_cast<std::size_t>(std::max(0.0, interval - kSpread) / kBin);
      for (std::size_t bin = first; bin < kBins; ++bin) {
        const double distance = static_cast<double>(bin) * kBin - interval;
        if (distance >= kSpread) break;
        counts[bin] += std::max(0.0, 1.0 - std::abs(distance) / kSpread);
      }
    }
  }
  return counts;
}

double preference(double interval) {
  const double octaves = std::log2(interval / kCommon) / kOctaves;
  return std::exp(-0.5 * octaves * octaves);
}

}  // namespace

double estimate_tempo(const Score& score) {
  const std::array<double, kBins> counts = intervals_of(starts_of(score));
  std::size_t best = 0;
  double most = 0.0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const double interval = static_cast<double>(bin) * kBin;
    if (interval < kShortest || interval > kLongest) continue;
    const double weight = counts[bin] * preference(interval);
    if (weight <= most) continue;
    best = bin;
    most = weight;
  }
  if (most == 0.0) return std::numeric_limits<double>::quiet_NaN();
  // The middle of what lies around the highest bin, or tempos would come in steps.
  double sum = 0.0;
  double total = 0.0;
  for (std::size_t bin = best - 2; bin <= best + 2; ++bin) {
    sum += counts[bin] * static_cast<double>(bin) * kBin;
    total += counts[bin];
  }
  return 60.0 * total / sum;
}

}  // namespace cadenza
