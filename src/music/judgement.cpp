// SPDX-License-Identifier: Apache-2.0
#include "cadenza/judgement.h"

#include <algorithm>
#include <cmath>

#include "cadenza/error.h"

namespace cadenza {
namespace {

constexpr std::size_t kMostPieces = 1000;

using Values = std::vector<const std::vector<double>*>;

/// One feature of the pieces that are compared.
Values values_of(std::span<const FeatureValues> pieces, std::size_t feature) {
  const std::size_t count = std::min(pieces.size(), kMostPieces);
  Values values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(&pieces[i * pieces.size() / count][feature]);
  }
  return values;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double squares = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares);
}

/// From each piece to every other one, so each distance twice: as many as between two sets, and so
/// of one bandwidth.
std::vector<double> distances_within(const Values& set) {
  std::vector<double> distances;
  for (std::size_t i = 0; i < set.size(); ++i) {
    for (std::size_t j = i + 1; j < set.size(); ++j) {
      distances.insert(distances.end(), 2, distance(*set[i], *set[j]));
    }
  }
  return distances;
}

std::vector<double> distances_between(const Values& a, const Values& b) {
  std::vector<double> distances;
  for (const auto* one : a) {
    for (const auto* other : b) distances.push_back(distance(*one, *other));
  }
  return distances;
}

std::vector<double> mean_of(const Values& set) {
  std::vector<double> mean(set.front()->size());
  for (const auto* values : set) {
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] += (*values)[i] / static_cast<double>(set.size());
    }
  }
  return mean;
}

std::vector<double> numbers_of(const Values& set) {
  std::vector<double> numbers;
  for (const auto* values : set) numbers.push_back(values->front());
  return numbers;
}

FeatureJudgement judge_feature(const Values& music, const Values& real, std::size_t size) {
  constexpr std::size_t kMusic = 0;
  constexpr std::size_t kReal = 1;
  constexpr std::size_t kBetween = 2;
  FeatureJudgement result;
  result.music_mean = mean_of(music);
  result.real_mean = mean_of(real);
  if (size == 1) result.values = kernel_densities(std::array{numbers_of(music), numbers_of(real)});
  result.distances = kernel_densities(
      std::array{distances_within(music), distances_within(real), distances_between(music, real)});
  result.overlap = overlapped_area(result.distances, kReal, kBetween);
  result.divergence = kl_divergence(result.distances, kReal, kBetween);
  result.music_overlap = overlapped_area(result.distances, kMusic, kBetween);
  result.music_divergence = kl_divergence(result.distances, kMusic, kBetween);
  return result;
}

}  // namespace

std::array<FeatureJudgement, kFeatures> judge(std::span<const FeatureValues> music,
                                              std::span<const FeatureValues> real) {
  check(music.size() >= 2 && real.size() >= 2, "judge: there are ", music.size(), " and ",
        real.size(), " pieces with notes, expected two or more in each set");
  std::array<FeatureJudgement, kFeatures> result;
  for (std::size_t f = 0; f < kFeatures; ++f) {
    result[f] = judge_feature(values_of(music, f), values_of(real, f), features()[f].size);
  }
  return result;
}

}  // namespace cadenza
