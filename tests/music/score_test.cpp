// SPDX-License-Identifier: Apache-2.0
#include "cadenza/score.h"

#include <gtest/gtest.h>

#include <limits>

#include "cadenza/error.h"

namespace cadenza {
namespace {

using Notes = std::vector<Note>;

Score score_with(Notes notes, std::vector<PedalEvent> pedal = {}) {
  Score score;
  score.tracks.push_back({"", 0, 0, std::move(notes), std::move(pedal)});
  return score;
}

TEST(Score, EndIsTheLatestEndOfANote) {
  EXPECT_EQ(Score().end(), 0);
  Score score = score_with({{0, 90, 60, 64}, {10, 20, 62, 64}});
  score.tracks.push_back({"", 1, 0, {{0, 30, 60, 64}}, {{200, true}}});
  EXPECT_EQ(score.end(), 90);
  EXPECT_EQ(score.note_count(), 3u);
}

TEST(TempoMap, WithoutTemposAQuarterLastsHalfASecond) {
  const TempoMap map{Score{}};
  EXPECT_DOUBLE_EQ(map.seconds(480), 0.5);
  EXPECT_EQ(map.tick(0.25), 240);
}

TEST(TempoMap, FollowsTheTempos) {
  Score score;
  score.ticks_per_quarter = 100;
  score.tempos = {{100, 1000000}, {300, 250000}};
  const TempoMap map(score);
  EXPECT_DOUBLE_EQ(map.seconds(100), 0.5);
  EXPECT_DOUBLE_EQ(map.seconds(200), 1.5);
  EXPECT_DOUBLE_EQ(map.seconds(300), 2.5);
  EXPECT_DOUBLE_EQ(map.seconds(500), 3.0);
}

TEST(TempoMap, TheLastOfSeveralTemposAtOneTickCounts) {
  Score score;
  score.ticks_per_quarter = 100;
  score.tempos = {{0, 1000000}, {0, 250000}, {100, 1}, {100, 500000}};
  const TempoMap map(score);
  EXPECT_DOUBLE_EQ(map.seconds(100), 0.25);
  EXPECT_DOUBLE_EQ(map.seconds(200), 0.75);
}

TEST(TempoMap, TickIsTheInverseOfSeconds) {
  Score score;
  score.ticks_per_quarter = 480;
  score.tempos = {{0, 501234}, {1000, 333333}, {5000, 777777}};
  const TempoMap map(score);
  for (std::int64_t tick = 0; tick < 10000; tick += 7) {
    ASSERT_EQ(map.tick(map.seconds(tick)), tick);
  }
}

TEST(TempoMap, RefusesWhatHasNoDuration) {
  Score score;
  score.tempos = {{0, 0}};
  EXPECT_THROW(TempoMap{score}, ArgumentError);
  score.tempos = {{10, 500000}, {5, 500000}};
  EXPECT_THROW(TempoMap{score}, ArgumentError);
  score.tempos.clear();
  score.ticks_per_quarter = 0;
  EXPECT_THROW(TempoMap{score}, ArgumentError);
  const TempoMap map{Score{}};
  EXPECT_THROW(map.tick(std::numeric_limits<double>::infinity()), ArgumentError);
  EXPECT_THROW(map.tick(std::numeric_limits<double>::quiet_NaN()), ArgumentError);
}

TEST(ApplySustain, NotesEndWhereThePedalIsLifted) {
  const Score score = apply_sustain(score_with({{0, 10, 60, 64}}, {{5, true}, {50, false}}));
  EXPECT_EQ(score.tracks[0].notes, (Notes{{0, 50, 60, 64}}));
  EXPECT_TRUE(score.tracks[0].pedal.empty());
}

TEST(ApplySustain, NotesEndWhereTheirKeyIsStruckAgain) {
  const Score score = apply_sustain(
      score_with({{0, 10, 60, 64}, {0, 10, 62, 64}, {30, 40, 60, 64}}, {{5, true}, {50, false}}));
  EXPECT_EQ(score.tracks[0].notes, (Notes{{0, 30, 60, 64}, {0, 50, 62, 64}, {30, 50, 60, 64}}));
}

TEST(ApplySustain, NotesOutsideThePedalStay) {
  const Notes notes = {{0, 4, 60, 64}, {10, 50, 61, 64}, {10, 80, 62, 64}, {60, 70, 63, 64}};
  EXPECT_EQ(apply_sustain(score_with(notes, {{5, true}, {50, false}})).tracks[0].notes, notes);
}

TEST(ApplySustain, ANoteThatEndsAsThePedalGoesDownIsHeld) {
  const Score score = apply_sustain(score_with({{0, 5, 60, 64}}, {{5, true}, {50, false}}));
  EXPECT_EQ(score.tracks[0].notes, (Notes{{0, 50, 60, 64}}));
}

TEST(ApplySustain, APedalNeverLiftedHoldsToTheEnd) {
  const Score score = apply_sustain(score_with({{0, 10, 60, 64}, {0, 100, 62, 64}}, {{5, true}}));
  EXPECT_EQ(score.tracks[0].notes, (Notes{{0, 100, 60, 64}, {0, 100, 62, 64}}));
}

TEST(ApplySustain, OverlappingNotesOfOneKeyGetNoShorter) {
  const Notes notes = {{0, 20, 60, 64}, {0, 25, 60, 64}, {10, 30, 60, 64}};
  const Score score = apply_sustain(score_with(notes, {{5, true}, {50, false}}));
  EXPECT_EQ(score.tracks[0].notes, (Notes{{0, 20, 60, 64}, {0, 25, 60, 64}, {10, 50, 60, 64}}));
}

TEST(Transpose, ShiftsNotesAndDropsThoseThatLeaveTheKeyboard) {
  const Score score = score_with({{0, 5, 0, 64}, {0, 5, 60, 64}, {0, 5, 125, 64}});
  EXPECT_EQ(transpose(score, 3).tracks[0].notes, (Notes{{0, 5, 3, 64}, {0, 5, 63, 64}}));
  EXPECT_EQ(transpose(score, -3).tracks[0].notes, (Notes{{0, 5, 57, 64}, {0, 5, 122, 64}}));
  EXPECT_TRUE(transpose(score, std::numeric_limits<int>::min()).tracks[0].notes.empty());
}

TEST(Transpose, LeavesDrumsAlone) {
  Score score = score_with({{0, 5, 36, 64}});
  score.tracks[0].channel = 9;
  EXPECT_EQ(transpose(score, 5), score);
}

TEST(Transpose, MovesKeysAroundTheCircleOfFifths) {
  Score score;
  score.key_signatures = {{0, 0, false}, {10, -3, true}, {20, 7, false}};
  // C to D flat, C minor to C sharp minor, C sharp to D.
  const std::vector<KeySignature> up = {{0, -5, false}, {10, 4, true}, {20, 2, false}};
  EXPECT_EQ(transpose(score, 1).key_signatures, up);
  EXPECT_EQ(transpose(score, 12), score);
  EXPECT_EQ(transpose(score, -11).key_signatures, up);
}

TEST(Stretch, MultipliesDurationsAndKeepsTicks) {
  Score score = score_with({{0, 960, 60, 64}});
  score.tempos = {{480, 400000}};
  const Score longer = stretch(score, 1.5);
  EXPECT_EQ(longer.tracks, score.tracks);
  for (const std::int64_t tick : {0, 100, 480, 960}) {
    EXPECT_DOUBLE_EQ(TempoMap(longer).seconds(tick), 1.5 * TempoMap(score).seconds(tick));
  }
}

TEST(Stretch, RefusesFactorsThatLeaveNoTempo) {
  EXPECT_THROW(stretch(Score(), 0.0), ArgumentError);
  EXPECT_THROW(stretch(Score(), -1.0), ArgumentError);
  EXPECT_THROW(stretch(Score(), std::numeric_limits<double>::quiet_NaN()), ArgumentError);
  EXPECT_THROW(stretch(Score(), 1e-9), ArgumentError);
  EXPECT_THROW(stretch(Score(), 1e9), ArgumentError);
}

TEST(Quantize, RoundsToTheNearestStepAndHalvesUp) {
  // Four steps of 120 ticks a quarter.
  const Score score = quantize(score_with({{59, 179, 60, 64}, {60, 180, 61, 64}}), 4);
  EXPECT_EQ(score.ticks_per_quarter, 4);
  EXPECT_EQ(score.tracks[0].notes, (Notes{{0, 1, 60, 64}, {1, 2, 61, 64}}));
}

TEST(Quantize, ANoteOfNoLengthGetsOneStep) {
  const Score score = quantize(score_with({{100, 130, 60, 64}}), 4);
  EXPECT_EQ(score.tracks[0].notes, (Notes{{1, 2, 60, 64}}));
}

TEST(Quantize, SortsNotesThatMeet) {
  const Score score = quantize(score_with({{0, 120, 62, 64}, {10, 120, 60, 64}}), 4);
  EXPECT_EQ(score.tracks[0].notes, (Notes{{0, 1, 60, 64}, {0, 1, 62, 64}}));
}

TEST(Quantize, RoundsTempoMetreKeyAndPedalAndKeepsTheLastAtATick) {
  Score score = score_with({{0, 480, 60, 64}}, {{130, true}, {470, false}});
  score.tempos = {{0, 1}, {115, 2}, {125, 3}};
  score.time_signatures = {{0, 3, 4}, {490, 4, 4}};
  score.key_signatures = {{0, 1, false}, {20, 2, false}};
  const Score result = quantize(score, 4);
  EXPECT_EQ(result.tempos, (std::vector<Tempo>{{0, 1}, {1, 3}}));
  EXPECT_EQ(result.time_signatures, (std::vector<TimeSignature>{{0, 3, 4}, {4, 4, 4}}));
  EXPECT_EQ(result.key_signatures, (std::vector<KeySignature>{{0, 2, false}}));
  EXPECT_EQ(result.tracks[0].pedal, (std::vector<PedalEvent>{{1, true}, {4, false}}));
}

TEST(Quantize, AFinerGridKeepsEveryTick) {
  const Score score = score_with({{7, 123, 60, 64}, {500, 1001, 62, 64}});
  const Score fine = quantize(score, 960);
  EXPECT_EQ(fine.tracks[0].notes, (Notes{{14, 246, 60, 64}, {1000, 2002, 62, 64}}));
}

TEST(Quantize, RefusesAGridWithoutSteps) {
  EXPECT_THROW(quantize(Score(), 0), ArgumentError);
  Score score;
  score.ticks_per_quarter = 0;
  EXPECT_THROW(quantize(score, 4), ArgumentError);
}

TEST(Cut, KeepsWhatSoundsAndWhatIsInForce) {
  Score score = score_with({{0, 90, 60, 64}, {50, 120, 62, 64}, {100, 110, 64, 64}}, {{20, true}});
  score.tempos = {{0, 400000}, {40, 500000}, {70, 600000}, {100, 1}};
  score.time_signatures = {{30, 3, 4}};
  score.key_signatures = {{200, 1, false}};
  const Score piece = cut(score, 60, 100);
  EXPECT_EQ(piece.tracks.at(0).notes, (Notes{{0, 30, 60, 64}, {0, 40, 62, 64}}));
  EXPECT_TRUE(piece.tracks.at(0).pedal.empty());
  EXPECT_EQ(piece.tempos, (std::vector<Tempo>{{0, 500000}, {10, 600000}}));
  EXPECT_EQ(piece.time_signatures, (std::vector<TimeSignature>{{0, 3, 4}}));
  EXPECT_TRUE(piece.key_signatures.empty());
}

TEST(BarLines, FollowTheMetres) {
  Score score = score_with({{0, 5000, 60, 64}});
  EXPECT_EQ(bar_lines(score, 1), (std::vector<std::int64_t>{0, 1920, 3840, 5760}));
  EXPECT_EQ(bar_lines(score, 2), (std::vector<std::int64_t>{0, 3840, 5760}));
  // A metre that comes within a bar ends it; one that makes no sense counts as 4/4.
  score.time_signatures = {{0, 3, 4}, {2000, 6, 8}, {3440, 0, 0}};
  EXPECT_EQ(bar_lines(score, 1), (std::vector<std::int64_t>{0, 1440, 2000, 3440, 5360}));
  EXPECT_EQ(bar_lines(Score(), 4), (std::vector<std::int64_t>{0}));
}

TEST(BarLines, RefuseWhatCannotBeWalked) {
  const Score score = score_with({{0, std::int64_t{480} * 200000, 60, 64}});
  EXPECT_THROW(bar_lines(score, 1), ArgumentError);
  EXPECT_THROW(bar_lines(Score(), 0), ArgumentError);
}

}  // namespace
}  // namespace cadenza
