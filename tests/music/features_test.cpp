// SPDX-License-Identifier: Apache-2.0
#include "cadenza/features.h"

#include <gtest/gtest.h>

#include "music/note_length.h"
#include "music/set_scores.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

using test::quarters;
using test::score_of;

const std::vector<double>& feature(const FeatureValues& values, Feature feature) {
  return values[static_cast<std::size_t>(feature)];
}

double number(const Score& score, Feature which) {
  return feature(measure_features(score), which).at(0);
}

TEST(Features, TableIsInTheOrderOfTheEnumeration) {
  const FeatureValues values = measure_features(quarters({60, 62}));
  for (std::size_t i = 0; i < kFeatures; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(features()[i].feature), i);
    EXPECT_EQ(values[i].size(), features()[i].size) << features()[i].key;
  }
}

TEST(Features, CountsPitchesAndNotes) {
  const Score score = quarters({60, 62, 60, 48, 72});
  EXPECT_EQ(number(score, Feature::pitch_count), 4.0);
  EXPECT_EQ(number(score, Feature::note_count), 5.0);
  EXPECT_EQ(number(score, Feature::pitch_range), 24.0);
}

TEST(Features, MeanIntervalIsOfSizesWhateverTheirDirection) {
  EXPECT_DOUBLE_EQ(number(quarters({60, 64, 62, 62}), Feature::mean_interval), 6.0 / 3.0);
}

TEST(Features, PitchClassesWeighByHowLongTheySound) {
  const auto values = measure_features(score_of({{0, 300, 60, 64}, {300, 400, 67, 1}}));
  const auto& histogram = feature(values, Feature::pitch_class_histogram);
  EXPECT_DOUBLE_EQ(histogram[0], 0.75);
  EXPECT_DOUBLE_EQ(histogram[7], 0.25);
}

TEST(Features, TransitionsGoFromRowToColumn) {
  const auto values = measure_features(quarters({60, 62, 72, 62, 71}));
  const auto& matrix = feature(values, Feature::pitch_class_transitions);
  EXPECT_DOUBLE_EQ(matrix[0 * 12 + 2], 0.5);
  EXPECT_DOUBLE_EQ(matrix[2 * 12 + 0], 0.25);
  EXPECT_DOUBLE_EQ(matrix[2 * 12 + 11], 0.25);
}

TEST(Features, AChordIsOneOnset) {
  // Starts at 0, 1 and 3 quarters of half a second.
  const Score score =
      score_of({{0, 480, 60, 64}, {0, 480, 64, 64}, {480, 960, 62, 64}, {1440, 1920, 60, 64}});
  EXPECT_DOUBLE_EQ(number(score, Feature::mean_inter_onset), 0.75);
}

TEST(Features, InterOnsetsFollowTheTempo) {
  Score score = quarters({60, 62, 64});
  score.tempos = {{0, 1000000}, {480, 250000}};
  EXPECT_DOUBLE_EQ(number(score, Feature::mean_inter_onset), 1.25 / 2.0);
}

TEST(Features, EveryNoteLengthHasItsClass) {
  // In the order of their names: whole to sixteenth, dotted, triplets.
  const std::array<int, 12> ticks = {1920, 960, 480, 240, 120, 1440, 720, 360, 180, 640, 320, 160};
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    EXPECT_EQ(note_length_class({10, 10 + ticks[i], 60, 64}, 480), i) << note_length_names()[i];
  }
  EXPECT_EQ(note_length_class({0, 1, 60, 64}, 480), 4U) << "nothing is shorter than 1/16";
  EXPECT_EQ(note_length_class({0, 100000, 60, 64}, 480), 0U) << "nothing is longer than 1";
}

TEST(Features, NoteLengthsAreCountedByNote) {
  const auto values = measure_features(
      score_of({{0, 480, 60, 64}, {480, 960, 60, 64}, {960, 1920, 60, 64}, {1920, 2400, 60, 64}}));
  EXPECT_DOUBLE_EQ(feature(values, Feature::note_length_histogram)[2], 0.75);
  EXPECT_DOUBLE_EQ(feature(values, Feature::note_length_histogram)[1], 0.25);
  EXPECT_DOUBLE_EQ(feature(values, Feature::note_length_transitions)[2 * 12 + 1], 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(feature(values, Feature::note_length_transitions)[1 * 12 + 2], 1.0 / 3.0);
}

TEST(Features, OneNoteHasNoIntervalsButFeatures) {
  const auto values = measure_features(quarters({60}));
  EXPECT_EQ(feature(values, Feature::mean_interval), std::vector<double>{0.0});
  EXPECT_EQ(feature(values, Feature::mean_inter_onset), std::vector<double>{0.0});
  EXPECT_EQ(feature(values, Feature::pitch_class_transitions), std::vector<double>(144, 0.0));
}

TEST(Features, SilenceAndPercussionHaveNone) {
  test::expect_error<ArgumentError>(
      [] {
        measure_features(score_of({{0, 10, 36, 64}}, 9));
      },
      "no note");
}

}  // namespace
}  // namespace cadenza
