// SPDX-License-Identifier: Apache-2.0
#include "cadenza/tempo.h"

#include <gtest/gtest.h>

#include <cmath>

#include "music/set_scores.h"

namespace cadenza {
namespace {

// Eighths at so many quarters a minute, in every second bar quarters; starts are played up to
// `loose` ticks early or late.
Score march(double qpm, int loose = 0) {
  std::vector<Note> notes;
  std::uint32_t random = 7;
  for (int beat = 0; beat < 64; ++beat) {
    for (const int eighth : {0, 1}) {
      if (beat / 4 % 2 == 1 && eighth == 1) continue;
      random = random * 1664525U + 1013904223U;
      const int off =
          loose == 0
              ? 0
              : static_cast<int>((random >> 16) % (2U * static_cast<unsigned>(loose) + 1)) - loose;
      const std::int64_t start = 480 + beat * 480 + eighth * 240 + off;
      notes.push_back({start, start + 200, 60, 64});
    }
  }
  Score score = test::score_of(notes);
  score.tempos = {{0, static_cast<std::uint32_t>(std::lround(60e6 / qpm))}};
  return score;
}

TEST(EstimateTempo, FindsTheBeatOfAMarch) {
  for (const double qpm : {80.0, 96.0, 107.0, 120.0, 133.0, 150.0}) {
    EXPECT_NEAR(estimate_tempo(march(qpm)), qpm, 0.5);
    EXPECT_NEAR(estimate_tempo(march(qpm, 12)), qpm, 0.02 * qpm);
  }
}

TEST(EstimateTempo, HearsTheNotesAndNotTheTempoEvents) {
  Score twice = march(180.0);
  for (Note& note : twice.tracks[0].notes) {
    note.start *= 2;
    note.end *= 2;
  }
  EXPECT_NEAR(estimate_tempo(twice), 90.0, 0.5);
}

TEST(EstimateTempo, TakesAChordForOneStart) {
  Score chords = march(100.0);
  const std::vector<Note> notes = chords.tracks[0].notes;
  for (Note note : notes) {
    note.pitch = 64;
    note.start += 4;
    chords.tracks[0].notes.push_back(note);
  }
  EXPECT_NEAR(estimate_tempo(chords), 100.0, 0.5);
}

TEST(EstimateTempo, NeedsTwoStarts) {
  EXPECT_TRUE(std::isnan(estimate_tempo(Score())));
  EXPECT_TRUE(std::isnan(estimate_tempo(test::quarters({60}))));
  EXPECT_TRUE(
      std::isnan(estimate_tempo(test::score_of({{0, 480, 60, 64}, {9600, 10080, 60, 64}}))));
  Score drums = march(100.0);
  drums.tracks[0].channel = 9;
  EXPECT_TRUE(std::isnan(estimate_tempo(drums)));
}

}  // namespace
}  // namespace cadenza
