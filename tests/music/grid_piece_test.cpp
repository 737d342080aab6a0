// SPDX-License-Identifier: Apache-2.0
#include "cadenza/grid_piece.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cadenza/midi.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

Track track(const std::string& name, std::uint8_t channel, std::vector<Note> notes) {
  return {.name = name, .channel = channel, .program = 19, .notes = std::move(notes), .pedal = {}};
}

/// A bar of four voices and a drum, played a little freely, that starts in the second bar.
Score chorale() {
  Score score = {.ticks_per_quarter = 96};
  score.tempos = {{0, 600000}, {400, 700000}};
  const auto at = [](int quarter, int length, std::uint8_t pitch, std::uint8_t velocity) {
    return Note{384 + quarter * 96 + velocity % 5, 384 + (quarter + length) * 96 - 3, pitch,
                velocity};
  };
  score.tracks = {track("Soprano", 0, {at(0, 1, 72, 90), at(1, 1, 74, 81), at(2, 2, 76, 82)}),
                  track("Alto", 1, {at(0, 2, 67, 83), at(2, 2, 65, 84)}),
                  track("Tenor", 2, {at(0, 2, 60, 86), at(2, 2, 59, 87)}),
                  track("Bass", 3, {at(0, 4, 48, 88)}), track("Drums", 9, {{0, 10, 35, 100}})};
  return score;
}

TEST(GridPiece, GivesTheScoreBackForItsOwnTokens) {
  const auto tokenizer = make_tokenizer("chorale");
  const GridPiece piece(*tokenizer, chorale());
  EXPECT_EQ(piece.steps(), 16);
  EXPECT_EQ(piece.with(piece.sequence()), chorale());
  EXPECT_EQ(piece.step_at(384), 0);
  EXPECT_EQ(piece.step_at(385), 1);
  EXPECT_EQ(piece.step_at(384 + 96), 4);
  EXPECT_EQ(piece.step_at(0), 0);
  EXPECT_EQ(piece.step_at(100000), 16);
}

TEST(GridPiece, ReplacesTheNotesThatTokensChange) {
  const auto tokenizer = make_tokenizer("chorale");
  const Score before = chorale();
  const GridPiece piece(*tokenizer, before);
  Sequence filled = piece.sequence();
  filled.tokens[8 * 4 + 1] += 2;                         // alto, third quarter: from 65 to 67
  filled.tokens[12 * 4 + 1] = filled.tokens[8 * 4 + 1];  // and again in the fourth
  const Score after = piece.with(filled);
  Score expected = before;
  expected.tracks[1].notes = {before.tracks[1].notes[0], {576, 672, 67, 83}, {672, 768, 67, 83}};
  EXPECT_EQ(after, expected);
}

TEST(GridPiece, GivesVoicesOfOneTrackTracksOfTheirOwn) {
  const auto tokenizer = make_tokenizer("chorale");
  Score score = chorale();
  Track piano = track("piano", 5, {});
  for (const Track& voice : score.tracks) {
    if (!voice.is_drum())
      piano.notes.insert(piano.notes.end(), voice.notes.begin(), voice.notes.end());
  }
  std::sort(piano.notes.begin(), piano.notes.end());
  score.tracks = {piano};
  const GridPiece piece(*tokenizer, score);
  EXPECT_EQ(piece.with(piece.sequence()), score);
  Sequence filled = piece.sequence();
  filled.tokens[8 * 4 + 1] = filled.tokens[8 * 4];  // the alto joins the soprano, twice
  filled.tokens[12 * 4 + 1] = filled.tokens[8 * 4];
  const Score after = piece.with(filled);
  ASSERT_EQ(after.tracks.size(), 2U);
  EXPECT_EQ(after.tracks[0].notes.size(), piano.notes.size() - 1);
  EXPECT_EQ(after.tracks[1].name, "alto");
  EXPECT_EQ(after.tracks[1].notes.size(), 2U);
  // Both survive the file, though the key is the same.
  EXPECT_EQ(read_midi(write_midi(after)).score.note_count(), after.note_count());
}

TEST(GridPiece, FillsVoicesThatWereEmpty) {
  const auto tokenizer = make_tokenizer("chorale");
  Score score = chorale();
  score.tracks.resize(1);
  for (const char* name : {"alto", "tenor", "bass"}) score.tracks.push_back(track(name, 0, {}));
  const GridPiece piece(*tokenizer, score);
  Sequence filled = piece.sequence();
  filled.tokens[3] = 14;
  const Score after = piece.with(filled);
  ASSERT_EQ(after.tracks.size(), 4U);
  EXPECT_EQ(after.tracks[0], score.tracks[0]);
  ASSERT_EQ(after.tracks[3].notes.size(), 1U);
  EXPECT_EQ(after.tracks[3].notes[0].pitch, 48);
  EXPECT_EQ(after.tracks[3].notes[0].start, 384);
}

TEST(GridPiece, RefusesWhatDoesNotFit) {
  const auto refuses = [](const char* name, const Score& score, const char* part) {
    const auto tokenizer = make_tokenizer(name);
    test::expect_error<ArgumentError>([&] { GridPiece(*tokenizer, score); }, part);
  };
  refuses("remi", chorale(), "tokens of remi stand on no grid");
  refuses("chorale", Score{}, "no notes");
  Score chord = chorale();
  chord.tracks[0].notes.push_back({384, 480, 79, 80});
  refuses("chorale", chord,
          "1 notes have no place among 4 voices of 4 steps a quarter, the first is the note 72");
  Score short_notes = chorale();
  short_notes.tracks[0].notes = {{384, 388, 72, 80}, {390, 395, 74, 80}};
  refuses("chorale", short_notes, "the music does not fit the grid of chorale");
  Score high;
  high.ticks_per_quarter = 96;
  for (int i = 0; i < 4; ++i) {
    high.tracks.push_back(
        track(std::to_string(i), 0, {{0, 96, static_cast<std::uint8_t>(90 - i), 80}}));
  }
  refuses("chorale", high, "expected 36 to 81");
}

}  // namespace
}  // namespace cadenza
