// SPDX-License-Identifier: Apache-2.0
#include "cadenza/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "music/set_scores.h"

namespace cadenza {
namespace {

using test::score_of;

constexpr int kBar = 4 * 480;

/// One short note at each of the sixteenths `positions` of each bar.
Score bars_of(const std::vector<std::vector<int>>& bars) {
  std::vector<Note> notes;
  for (std::size_t bar = 0; bar < bars.size(); ++bar) {
    for (const int position : bars[bar]) {
      const std::int64_t start = static_cast<std::int64_t>(bar) * kBar + position * 120;
      notes.push_back({start, start + 60, 60, 64});
    }
  }
  return score_of(std::move(notes));
}

// A jig of two bars: eighths in groups of three.
Score jig(const std::vector<int>& pitches) {
  std::vector<Note> notes;
  for (std::size_t i = 0; i < pitches.size(); ++i) {
    const auto start = static_cast<std::int64_t>(i) * 240;
    notes.push_back({start, start + 240, static_cast<std::uint8_t>(pitches[i]), 64});
  }
  Score score = score_of(std::move(notes));
  score.time_signatures = {{0, 6, 8}};
  return score;
}

TEST(ChromaSimilarity, HoldsHalfBarsOfAnyMetreAgainstEachOther) {
  const Score tune = jig({60, 64, 67, 62, 65, 69, 60, 60, 60, 72, 72, 72});
  EXPECT_DOUBLE_EQ(chroma_similarity(tune, tune), 1.0);
  // The same chords in 4/4, an octave higher.
  Score reel = score_of({});
  for (int i = 0; i < 3; ++i) {
    const std::int64_t third = 320 * i;
    const auto up = static_cast<std::uint8_t>(i == 0 ? 72 : i == 1 ? 76 : 79);
    const auto up_second = static_cast<std::uint8_t>(i == 0 ? 74 : i == 1 ? 77 : 81);
    reel.tracks[0].notes.push_back({third, third + 320, up, 64});
    reel.tracks[0].notes.push_back({960 + third, 960 + third + 320, up_second, 64});
  }
  reel.tracks[0].notes.push_back({1920, 3840, 60, 64});
  std::sort(reel.tracks[0].notes.begin(), reel.tracks[0].notes.end());
  EXPECT_NEAR(chroma_similarity(tune, reel), 1.0, 1e-12);
  // One of three notes in common in the first half bar, nothing after it.
  const Score other = jig({60, 61, 63});
  EXPECT_NEAR(chroma_similarity(tune, other), (1.0 / 3.0) / 4, 1e-12);
  EXPECT_NEAR(chroma_similarity(other, tune), (1.0 / 3.0) / 4, 1e-12);
}

TEST(ChromaSimilarity, NotesCountForAsLongAsTheySound) {
  const Score mostly = score_of({{0, 720, 60, 64}, {720, 960, 62, 64}});
  const Score all = score_of({{0, 960, 60, 64}});
  EXPECT_NEAR(chroma_similarity(mostly, all), 3.0 / std::sqrt(10.0), 1e-12);
}

TEST(ChromaSimilarity, IgnoresSilenceInBoth) {
  const Score late = score_of({{2 * kBar, 2 * kBar + 960, 60, 64}});
  EXPECT_DOUBLE_EQ(chroma_similarity(late, late), 1.0);
  EXPECT_TRUE(std::isnan(chroma_similarity(score_of({}), score_of({}))));
  EXPECT_EQ(chroma_similarity(late, score_of({})), 0.0);
}

Sequence piece_of(std::vector<std::int32_t> ids) { return {std::move(ids), {}}; }

TEST(Measure, EntropyOfTwelveEqualPitchClassesIsLog2Of12) {
  std::vector<Note> notes;
  for (int i = 0; i < 12; ++i) {
    notes.push_back({i * 10, i * 10 + 5, static_cast<std::uint8_t>(60 + i), 64});
  }
  EXPECT_DOUBLE_EQ(measure(score_of(notes)).pitch_class_entropy, std::log2(12.0));
}

TEST(Measure, DensityIsNotesAQuarterFromTheFirstToTheLast) {
  const Score score = score_of({{480, 720, 60, 64}, {960, 1200, 60, 64}, {1200, 1440, 60, 64}});
  EXPECT_DOUBLE_EQ(measure(score).density, 1.5);
  EXPECT_DOUBLE_EQ(note_density(score), 1.5);
  EXPECT_TRUE(std::isnan(note_density(score_of({}))));
}

TEST(Measure, EntropyCountsOctavesAsOnePitchClass) {
  const MusicMetrics metrics = measure(score_of({{0, 5, 48, 64}, {5, 9, 60, 64}, {9, 12, 72, 64}}));
  EXPECT_EQ(metrics.pitch_class_entropy, 0.0);
  EXPECT_EQ(metrics.pitches, 3.0);
  EXPECT_EQ(metrics.pitch_range, 24.0);
}

TEST(Measure, ScaleConsistencyIsOneWithinAnyMajorScale) {
  // D major: d e f# g a b c#
  std::vector<Note> notes;
  for (const int pitch : {62, 64, 66, 67, 69, 71, 73}) {
    notes.push_back({pitch, pitch + 1, static_cast<std::uint8_t>(pitch), 64});
  }
  EXPECT_DOUBLE_EQ(measure(score_of(notes)).scale_consistency, 1.0);
}

TEST(Measure, ScaleConsistencyOfTheChromaticScaleIsSevenTwelfths) {
  std::vector<Note> notes;
  for (int i = 0; i < 12; ++i) {
    notes.push_back({i, i + 1, static_cast<std::uint8_t>(60 + i), 64});
  }
  EXPECT_NEAR(measure(score_of(notes)).scale_consistency, 7.0 / 12.0, 1e-12);
}

TEST(Measure, PolyphonyIsTheMeanWhileAnyKeyIsDown) {
  // Two keys for 10 ticks, one for 10, silence for 20, one for 10.
  const MusicMetrics metrics =
      measure(score_of({{0, 20, 60, 64}, {0, 10, 64, 64}, {40, 50, 60, 64}}));
  EXPECT_DOUBLE_EQ(metrics.polyphony, 40.0 / 30.0);
  EXPECT_DOUBLE_EQ(metrics.polyphony_rate, 10.0 / 50.0);
}

TEST(Measure, OneKeyStruckTwiceAtOnceIsOneKey) {
  const MusicMetrics metrics = measure(score_of({{0, 10, 60, 64}, {0, 20, 60, 64}}));
  EXPECT_DOUBLE_EQ(metrics.polyphony, 1.0);
  EXPECT_DOUBLE_EQ(metrics.polyphony_rate, 0.0);
}

TEST(Measure, GrooveOfTwoEqualBarsIsOne) {
  EXPECT_DOUBLE_EQ(measure(bars_of({{0, 4, 8, 12}, {0, 4, 8, 12}})).groove_consistency, 1.0);
}

TEST(Measure, GrooveFallsByASixteenthForEachDifferingPosition) {
  EXPECT_DOUBLE_EQ(measure(bars_of({{0, 4, 8, 12}, {0, 4, 8, 14}})).groove_consistency,
                   1.0 - 2.0 / 16.0);
}

TEST(Measure, GrooveOfASingleBarIsNotANumber) {
  EXPECT_TRUE(std::isnan(measure(bars_of({{0, 4}})).groove_consistency));
}

TEST(Measure, EmptyBeatsAreThoseBetweenTheNotesInWhichNothingSounds) {
  // Beats 1 to 7: a note of two beats that covers a shorter one, two of silence, and the rest.
  const MusicMetrics metrics = measure(score_of(
      {{480, 1440, 60, 64}, {480, 500, 64, 64}, {2400, 2500, 62, 64}, {2890, 3840, 62, 64}}));
  EXPECT_DOUBLE_EQ(metrics.empty_beat_rate, 2.0 / 7.0);
  EXPECT_EQ(measure(test::quarters({60, 62, 64})).empty_beat_rate, 0.0);
}

TEST(Measure, LeavesPercussionOut) {
  EXPECT_EQ(measure(score_of({{0, 10, 36, 64}}, 9)).notes, 0.0);
}

TEST(Measure, SilenceHasNoFigures) {
  const MusicMetrics metrics = measure(Score());
  EXPECT_EQ(metrics.notes, 0.0);
  EXPECT_TRUE(std::isnan(metrics.pitch_class_entropy));
  EXPECT_TRUE(std::isnan(metrics.polyphony));
}

TEST(Mean, LeavesOutWhatIsNotANumber) {
  const std::vector<MusicMetrics> metrics = {measure(bars_of({{0}, {0}})), measure(bars_of({{0}}))};
  const MusicMetrics both = mean(metrics);
  EXPECT_DOUBLE_EQ(both.groove_consistency, 1.0);
  EXPECT_DOUBLE_EQ(both.notes, 1.5);
}

TEST(MeasureCopying, FindsTheLongestCommonRun) {
  const std::vector<Piece> source = {{"a", piece_of({9, 1, 2, 3, 4, 9})}, {"b", piece_of({5, 6})}};
  const std::vector<Sequence> music = {piece_of({7, 1, 2, 3, 4, 7, 5, 6})};
  EXPECT_EQ(measure_copying(music, source).longest, 4U);
}

TEST(MeasureCopying, DoesNotJoinPieces) {
  const std::vector<Piece> source = {{"a", piece_of({1, 2})}, {"b", piece_of({3, 4})}};
  const std::vector<Sequence> music = {piece_of({1, 2, 3, 4})};
  EXPECT_EQ(measure_copying(music, source).longest, 2U);
}

TEST(MeasureCopying, ShareCountsWindowsFoundInTheSource) {
  const std::vector<Piece> source = {{"a", piece_of({1, 2, 3, 4})}};
  const std::vector<Sequence> music = {piece_of({1, 2, 3, 9, 4})};
  // Windows of two: 12 and 23 stand in the source, 39 and 94 do not.
  EXPECT_DOUBLE_EQ(measure_copying(music, source, 2).share, 0.5);
}

TEST(MeasureCopying, NothingIsSharedWithNothing) {
  const std::vector<Sequence> music = {piece_of({1, 2, 3})};
  const Copying copying = measure_copying(music, {}, 2);
  EXPECT_EQ(copying.longest, 0U);
  EXPECT_EQ(copying.share, 0.0);
}

TEST(MeasureCopying, ComparesFrames) {
  const Frame chord(0b10010001);
  const std::vector<Piece> source = {{"a", {{}, {chord, Frame(), chord}}}};
  const std::vector<Sequence> music = {{{}, {chord, Frame(), Frame()}}};
  EXPECT_EQ(measure_copying(music, source).longest, 2U);
}

}  // namespace
}  // namespace cadenza
