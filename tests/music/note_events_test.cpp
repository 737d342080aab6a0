// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cadenza/note_event.h"

namespace cadenza {
namespace {

Score two_chords() {
  Score score;
  Track right;
  right.notes = {{0, 480, 64, 90}, {480, 720, 67, 80}, {1440, 1560, 60, 70}};
  Track left = {.name = "", .channel = 1};
  left.notes = {{0, 960, 48, 64}};
  Track drums = {.name = "", .channel = 9};
  drums.notes = {{240, 300, 36, 100}};
  score.tracks = {right, left, drums};
  return score;
}

TEST(NoteEvents, AreTheNotesInOrder) {
  const std::vector<NoteEvent> expected = {
      {48, 2.0, 64, 0.0}, {64, 1.0, 90, 0.0}, {67, 0.5, 80, 1.0}, {60, 0.25, 70, 2.0}};
  EXPECT_EQ(note_events(two_chords()), expected);
  EXPECT_TRUE(note_events(Score()).empty());
}

TEST(NoteEvents, ComeBackThroughNumbersAndScores) {
  const std::vector<NoteEvent> events = note_events(two_chords());
  std::vector<NoteEvent> back;
  for (const NoteEvent& event : events) {
    for (const float number : to_numbers(event)) EXPECT_LT(std::abs(number), 2.0F);
    back.push_back(to_event(to_numbers(event)));
  }
  EXPECT_EQ(note_events(score_of_events(back)), events);
}

TEST(NoteEvents, EveryNumberBecomesMusic) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  const double endless = std::numeric_limits<double>::infinity();
  const std::vector<NoteEvent> events = {{-5.0, 1e9, 500.0, -3.0},
                                         {endless, -endless, -1.0, endless},
                                         {nothing, nothing, nothing, nothing},
                                         {60.4, 0.001, 63.6, 0.5}};
  const Score score = score_of_events(events, {.qpm = 60.0});
  ASSERT_EQ(score.note_count(), 4U);
  const std::vector<Note>& notes = score.tracks[0].notes;
  EXPECT_EQ(notes[0], (Note{0, 16 * 480, 0, 127})) << "the longest, cut by no other";
  EXPECT_EQ(notes[1].pitch, 0) << "what is not a number counts as 0";
  EXPECT_EQ(notes[2].pitch, 127);
  EXPECT_EQ(notes[3], (Note{16 * 480 + 240, 16 * 480 + 255, 60, 64}));
  EXPECT_EQ(score.tempos[0].microseconds_per_quarter, 1000000U);
}

TEST(NoteEvents, AGridMovesNotesToItsPositions) {
  // They start at 0.1, 0.37, 0.64: the nearest quarters of a quarter, not sums of rounded times.
  const std::vector<NoteEvent> events = {
      {60, 0.05, 80, 0.1}, {62, 0.3, 80, 0.27}, {64, 0.7, 80, 0.27}};
  const Score score = score_of_events(events, {.grid = 4});
  EXPECT_EQ(score.tracks[0].notes,
            (std::vector<Note>{{0, 120, 60, 80}, {120, 240, 62, 80}, {360, 720, 64, 80}}));
}

TEST(NoteEvents, MusicEndsAfterItsQuarters) {
  const std::vector<NoteEvent> events = {
      {60, 4.0, 80, 0.0}, {62, 1.0, 80, 1.5}, {64, 1.0, 80, 0.5}, {65, 1.0, 80, 0.0}};
  EXPECT_EQ(score_of_events(events, {.quarters = 2.0}).tracks[0].notes,
            (std::vector<Note>{{0, 960, 60, 80}, {720, 960, 62, 80}}));
  EXPECT_EQ(score_of_events(events, {.quarters = 1.5 + 1e-9}).tracks[0].notes.back(),
            (Note{720, 721, 62, 80}))
      << "no note is of no length";
}

TEST(NoteEvents, AKeyStruckAgainEndsTheNoteBefore) {
  const std::vector<NoteEvent> events = {
      {60, 4.0, 80, 0.0}, {60, 1.0, 80, 1.0}, {60, 2.0, 80, 0.0}};
  const Score score = score_of_events(events);
  ASSERT_EQ(score.note_count(), 2U);
  EXPECT_EQ(score.tracks[0].notes[0].end, 480);
  EXPECT_EQ(score.tracks[0].notes[1], (Note{480, 480 + 960, 60, 80}));
}

}  // namespace
}  // namespace cadenza
