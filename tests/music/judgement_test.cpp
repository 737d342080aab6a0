// SPDX-License-Identifier: Apache-2.0
#include "cadenza/judgement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "music/set_scores.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

using test::quarters;

nlohmann::json golden() {
  return nlohmann::json::parse(std::ifstream(CADENZA_TEST_GOLDEN_DIR "/judgement.json"));
}

std::vector<FeatureValues> golden_set(const nlohmann::json& json, const char* name) {
  std::vector<FeatureValues> set;
  for (const auto& piece : json.at(name)) {
    Score score;
    score.tempos = {{0, piece.at("tempo")}};
    Track& track = score.tracks.emplace_back();
    for (const auto& note : piece.at("notes")) {
      track.notes.push_back({note[0], note[1], note[2], 64});
    }
    set.push_back(measure_features(score));
  }
  return set;
}

/// Pieces of quarters that differ in range, length and order, by `salt`.
std::vector<Score> tunes(int count, int salt) {
  std::vector<Score> set;
  std::uint32_t noise = 77U + static_cast<std::uint32_t>(salt);
  for (int p = 0; p < count; ++p) {
    std::vector<int> pitches;
    for (int i = 0; i < 24 + p % 9; ++i) {
      noise = noise * 1664525U + 1013904223U;
      pitches.push_back(60 + salt + static_cast<int>(noise >> 28) % (5 + p % 4));
    }
    set.push_back(quarters(pitches));
  }
  return set;
}

std::vector<FeatureValues> features_of(const std::vector<Score>& scores) {
  std::vector<FeatureValues> set;
  for (const Score& score : scores) set.push_back(measure_features(score));
  return set;
}

TEST(JudgementGolden, FeaturesAreThoseOfNumpy) {
  const nlohmann::json json = golden();
  for (const char* name : {"music", "real"}) {
    const std::vector<FeatureValues> set = golden_set(json, name);
    for (std::size_t p = 0; p < set.size(); ++p) {
      for (std::size_t f = 0; f < kFeatures; ++f) {
        const auto expected = json["features"][name][p][f].get<std::vector<double>>();
        ASSERT_EQ(set[p][f].size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
          EXPECT_NEAR(set[p][f][i], expected[i], 1e-8)
              << name << " " << p << " " << features()[f].key << "[" << i << "]";
        }
      }
    }
  }
}

TEST(JudgementGolden, AreasAndDivergencesAreThoseOfScipy) {
  const nlohmann::json json = golden();
  const auto judged = judge(golden_set(json, "music"), golden_set(json, "real"));
  for (std::size_t f = 0; f < kFeatures; ++f) {
    const nlohmann::json& expected = json["comparison"][f];
    const auto expect_near = [&](const char* key, double got) {
      const double value = expected[key];
      EXPECT_NEAR(got, value, 1e-4 * std::max(value, 1.0)) << features()[f].key << " " << key;
    };
    expect_near("overlap", judged[f].overlap);
    expect_near("divergence", judged[f].divergence);
    expect_near("music_overlap", judged[f].music_overlap);
    expect_near("music_divergence", judged[f].music_divergence);
  }
}

TEST(KernelDensities, OfTwoValuesIsTheMeanOfTwoBells) {
  // Standard deviation sqrt(2), so Scott's bandwidth is sqrt(2) * 2^(-1/5).
  const Densities densities = kernel_densities(std::vector<std::vector<double>>{{1.0, 3.0}});
  const double bandwidth = std::sqrt(2.0) * std::pow(2.0, -0.2);
  const auto bell = [&](double z) {
    return std::exp(-0.5 * z * z / (bandwidth * bandwidth)) /
           (bandwidth * std::sqrt(2.0 * std::numbers::pi));
  };
  double mass = 0.0;
  for (std::size_t i = 0; i < densities.x.size(); ++i) {
    const double x = densities.x[i];
    EXPECT_NEAR(densities.y[0][i], 0.5 * (bell(x - 1.0) + bell(x - 3.0)), 1e-6);
    mass += densities.y[0][i] * (densities.x[1] - densities.x[0]);
  }
  EXPECT_NEAR(mass, 1.0, 1e-5);
}

TEST(KernelDensities, DivergenceOfTwoBellsHasItsClosedForm) {
  // Normal distributions as values that occur in proportion. KL is half the square of their
  // distance over the variance, which the kernels widen.
  std::vector<std::vector<double>> samples(2);
  for (int i = 0; i < 126; ++i) {
    const double z = -5.0 + i * 0.08;
    const auto weight = static_cast<int>(std::lround(2000.0 * std::exp(-0.5 * z * z)));
    for (int k = 0; k < weight; ++k) {
      samples[0].push_back(z);
      samples[1].push_back(z + 1.0);
    }
  }
  const Densities densities = kernel_densities(samples);
  const double variance = 1.0 + std::pow(static_cast<double>(samples[0].size()), -0.4);
  EXPECT_NEAR(kl_divergence(densities, 0, 1), 0.5 / variance, 0.01);
  EXPECT_NEAR(overlapped_area(densities, 0, 1),
              std::erfc(0.5 / std::sqrt(variance) / std::numbers::sqrt2), 0.005);
}

TEST(KernelDensities, RefuseWhatHasNoDensity) {
  test::expect_error<ArgumentError>(
      [] {
        kernel_densities(std::vector<std::vector<double>>{{1.0}, {}});
      },
      "empty");
  test::expect_error<ArgumentError>(
      [] {
        kernel_densities(std::vector<std::vector<double>>{{1.0, std::nan("")}});
      },
      "finite");
}

TEST(Judge, ASetAgainstItselfOverlapsWholly) {
  const std::vector<FeatureValues> set = features_of(tunes(60, 0));
  for (const FeatureJudgement& one : judge(set, set)) {
    // Only the zeros of each piece with itself set the distances between apart.
    EXPECT_GT(one.overlap, 0.97);
    EXPECT_LT(one.divergence, 0.03);
    EXPECT_EQ(one.overlap, one.music_overlap);
    EXPECT_EQ(one.music_mean, one.real_mean);
  }
}

TEST(Judge, ShuffledNotesLoseTheirTransitionsAlone) {
  std::vector<FeatureValues> real;
  std::vector<FeatureValues> shuffled;
  for (int p = 0; p < 30; ++p) {
    std::vector<int> ascending;
    for (int i = 0; i < 36; ++i) ascending.push_back(60 + (i + p) % (9 + p % 3));
    std::vector<int> jumping;
    for (std::size_t i = 0; i < 36; ++i) jumping.push_back(ascending[i * 7 % 36]);
    real.push_back(measure_features(quarters(ascending)));
    shuffled.push_back(measure_features(quarters(jumping)));
  }
  const auto same = judge(real, real);
  const auto other = judge(shuffled, real);
  const auto at = [](const auto& judged, Feature feature) {
    return judged[static_cast<std::size_t>(feature)];
  };
  EXPECT_LT(at(other, Feature::pitch_class_transitions).overlap,
            at(same, Feature::pitch_class_transitions).overlap - 0.3);
  EXPECT_GT(at(other, Feature::mean_interval).divergence, 1.0);
  EXPECT_DOUBLE_EQ(at(other, Feature::pitch_class_histogram).overlap,
                   at(same, Feature::pitch_class_histogram).overlap);
}

TEST(Judge, MusicThatIsAllAlikeShowsInTheDistancesWithinIt) {
  const std::vector<FeatureValues> real = features_of(tunes(30, 0));
  const std::vector<FeatureValues> copies(30, real.front());
  const FeatureJudgement notes =
      judge(copies, real)[static_cast<std::size_t>(Feature::pitch_class_transitions)];
  EXPECT_LT(notes.music_overlap, 0.1);
  EXPECT_GT(notes.music_divergence, 1.0);
}

TEST(Judge, ThinsLargeSetsEvenly) {
  std::vector<FeatureValues> many;
  for (const FeatureValues& values : features_of(tunes(8, 0))) many.insert(many.end(), 251, values);
  const std::vector<FeatureValues> real = features_of(tunes(8, 0));
  EXPECT_NEAR(judge(many, real).front().music_mean.front(),
              judge(real, real).front().real_mean.front(), 0.01);
}

TEST(Judge, RefusesASinglePiece) {
  const std::vector<FeatureValues> set = features_of(tunes(3, 0));
  test::expect_error<ArgumentError>([&] { judge(std::span(set).first(1), set); }, "1 and 3 pieces");
}

Sequence tokens(std::vector<std::int32_t> ids) { return {std::move(ids), {}}; }

TEST(NoteSteps, AreTheSameInAnyKeyAndTempo) {
  Score faster = transpose(quarters({60, 62, 64, 60}), 5);
  faster.tempos = {{0, 250000}};
  EXPECT_EQ(note_steps(faster), note_steps(quarters({60, 62, 64, 60})));
  EXPECT_NE(note_steps(faster), note_steps(quarters({60, 62, 64, 61})));
  EXPECT_EQ(note_steps(faster).size(), 3U);
  EXPECT_EQ(note_steps(Score()).size(), 0U);
}

TEST(SelfSimilarity, IsTheMeanOfTheLargestShares) {
  const std::vector<Sequence> music = {
      tokens({1, 2, 3, 4}),     // 12 23 34: two of three in the second
      tokens({1, 2, 3, 9, 9}),  // 12 23 39 99: two of four in the first
      tokens({3, 4}),           // 34: all in the first
      tokens({7})};             // no run of two
  EXPECT_DOUBLE_EQ(self_similarity(music, 2), (2.0 / 3.0 + 2.0 / 4.0 + 1.0) / 3.0);
}

TEST(SelfSimilarity, OfCopiesIsOneAndOfStrangersZero) {
  EXPECT_EQ(self_similarity(std::vector{tokens({1, 2, 3}), tokens({1, 2, 3})}, 2), 1.0);
  EXPECT_EQ(self_similarity(std::vector{tokens({1, 2, 3}), tokens({4, 5, 6})}, 2), 0.0);
  EXPECT_TRUE(std::isnan(self_similarity(std::vector{tokens({1, 2, 3})}, 2)));
}

TEST(NearestSimilarity, CountsRunsOfOnePieceOfTheSource) {
  const std::vector<Sequence> music = {tokens({1, 2, 3, 4})};
  const std::vector<Sequence> source = {tokens({1, 2, 3}), tokens({9, 3, 4})};
  EXPECT_DOUBLE_EQ(nearest_similarity(music, source, 2), 2.0 / 3.0);
  EXPECT_TRUE(std::isnan(nearest_similarity(music, {}, 2)));
}

}  // namespace
}  // namespace cadenza
