// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <vector>

#include "cadenza/features.h"
#include "cadenza/score.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Densities of several samples over the same evenly spaced x.
struct Densities {
  std::vector<double> x;
  std::vector<std::vector<double>> y;  ///< one a sample, each with an integral of 1
};
/// Gaussian kernel densities, each with the bandwidth of Scott's rule: standard deviation *
/// count^(-1/5), but at least 1/400 of the span of all samples, so that equal values make a narrow
/// bump. x reaches five of the widest bandwidths beyond the outermost values. ArgumentError if a
/// sample is empty or not finite.
Densities kernel_densities(std::span<const std::vector<double>> samples);
/// Overlapped area of two densities: the integral of the smaller, 0..1.
double overlapped_area(const Densities& densities, std::size_t a, std::size_t b);
/// Kullback-Leibler divergence of `b` from `a` in nats: the integral of a log(a / b). A density
/// below 1e-300 counts as that, so the figure is finite.
double kl_divergence(const Densities& densities, std::size_t a, std::size_t b);

/// How the pieces of some music lie in one feature against those of real music, after Yang and
/// Lerch 2020: Euclidean distances from each piece of the music to every other of it, the same of
/// the real music, and from each of the one to each of the other. Music like the real has the three
/// distributed alike. Their toolbox integrates from the smallest to the largest distance and takes
/// the divergence from densities at different places; here both go over all of the densities.
struct FeatureJudgement {
  std::vector<double> music_mean;  ///< mean of the feature's numbers over the pieces
  std::vector<double> real_mean;
  Densities values;               ///< of music, real; of features that are one number
  Densities distances;            ///< within music, within real, between the two
  double overlap = 0.0;           ///< of the distances within real and those between
  double divergence = 0.0;        ///< of those between from those within real
  double music_overlap = 0.0;     ///< the same two with the distances within music
  double music_divergence = 0.0;  ///< small where the music is all alike
};
/// Of sets of more than 1000 pieces as many, evenly spread, are taken. ArgumentError with fewer
/// than two pieces in either.
std::array<FeatureJudgement, kFeatures> judge(std::span<const FeatureValues> music,
                                              std::span<const FeatureValues> real);

/// A piece as steps that do not depend on key or tempo: for each note but the first its interval
/// from the note before (by start, then pitch) and the class of its length.
Sequence note_steps(const Score& score);
/// The mean over `music` of the share of a piece's runs of `window` steps that the piece of
/// `source` most like it has too. NaN if no piece is that long, or there is no source.
double nearest_similarity(std::span<const Sequence> music, std::span<const Sequence> source,
                          int window = 8);
/// The same with the other pieces of `music` as the source: 1 when a model writes one piece only.
double self_similarity(std::span<const Sequence> music, int window = 8);

}  // namespace cadenza
