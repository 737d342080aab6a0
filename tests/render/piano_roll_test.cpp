// SPDX-License-Identifier: Apache-2.0
#include "render/piano_roll.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "cadenza/render.h"
#include "render/decode_png.h"
#include "support/shared_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::Picture;

// Two bars of 4/4 at 120: four seconds. A low note in the first second, a high one in the third.
Score two_notes() {
  Score score;
  score.ticks_per_quarter = 100;
  score.tracks.resize(2);
  score.tracks[0].notes = {{400, 600, 72, 127}};
  score.tracks[1].notes = {{0, 200, 48, 40}, {780, 800, 48, 40}};
  return score;
}

Picture draw(const Score& score) {
  const test::TmpDir folder;
  render_piano_roll(score, folder / "roll.png");
  return test::decode_png(folder / "roll.png");
}

TEST(PianoRoll, PutsNotesAtTheirTimeAndPitchInTheirColour) {
  const Score score = two_notes();
  const Picture picture = draw(score);
  const RollLayout layout(score);
  EXPECT_EQ(picture.width, layout.width());
  EXPECT_EQ(picture.height, layout.height());
  const int high = layout.y(72) + layout.row_height() / 2;
  const int low = layout.y(48) + layout.row_height() / 2;
  EXPECT_EQ(picture.at(layout.x(2.5), high), note_colour(0, 127));
  EXPECT_EQ(picture.at(layout.x(0.5), low), note_colour(1, 40));
  EXPECT_NE(picture.at(layout.x(0.5), high), note_colour(0, 127));
  EXPECT_NE(picture.at(layout.x(2.5), low), note_colour(1, 40));
}

TEST(PianoRoll, DrawsTimeToTheRightAndPitchUpwards) {
  const Picture picture = draw(two_notes());
  // Columns and rows where the colour of the loud first track occurs, below its legend.
  int left = picture.width;
  int right = 0;
  int top = picture.height;
  int bottom = 0;
  for (int y = 40; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      if (picture.at(x, y) != note_colour(0, 127)) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  }
  // The second half of the plot, a quarter long, in the upper half.
  EXPECT_NEAR(left, 76 + 1504 / 2, 2);
  EXPECT_NEAR(right - left, 1504 / 4, 3);
  EXPECT_LT(bottom, picture.height / 2);
  EXPECT_LE(bottom - top, 20);
}

TEST(PianoRoll, ShowsVelocityAsBrightness) {
  const auto sum = [](Colour c) { return c.red + c.green + c.blue; };
  EXPECT_LT(sum(note_colour(0, 1)), sum(note_colour(0, 64)));
  EXPECT_LT(sum(note_colour(0, 64)), sum(note_colour(0, 127)));
}

TEST(PianoRoll, PartsRepeatedNotes) {
  Score score = two_notes();
  score.tracks[0].notes = {{0, 400, 60, 100}, {400, 800, 60, 100}};
  const Picture picture = draw(score);
  const RollLayout layout(score);
  const int row = layout.y(60) + layout.row_height() / 2;
  EXPECT_NE(picture.at(layout.x(2.0) - 1, row), note_colour(0, 100));
  EXPECT_EQ(picture.at(layout.x(2.0), row), note_colour(0, 100));
}

TEST(PianoRoll, FollowsTheTempoMap) {
  Score score = two_notes();
  score.tempos = {{0, 500000}, {400, 1500000}};  // the second bar takes three times as long
  const Picture picture = draw(score);
  const RollLayout layout(score);
  const int row = layout.y(72) + layout.row_height() / 2;
  EXPECT_EQ(picture.at(76 + 1504 / 4 + 4, row), note_colour(0, 127));
  EXPECT_NE(picture.at(76 + 1504 / 4 - 4, row), note_colour(0, 127));
}

TEST(PianoRoll, DrawsBarLinesOfTheMetre) {
  Score score = two_notes();
  score.time_signatures = {{0, 3, 4}};  // bars of 1.5 s
  const Canvas canvas = draw_piano_roll(score);
  const RollLayout layout(score);
  const int row = layout.y(60);  // no note here
  const Colour line = canvas.at(layout.x(1.5), row);
  EXPECT_EQ(canvas.at(layout.x(3.0), row), line);
  EXPECT_NE(canvas.at(layout.x(2.0), row), line);
  EXPECT_NE(canvas.at(layout.x(1.5) + 3, row), line);
}

TEST(PianoRoll, DrawsAScoreWithoutNotes) {
  const Picture picture = draw(Score());
  EXPECT_GE(picture.width, 1600);
  EXPECT_GE(picture.height, 400);
}

TEST(PianoRoll, KeepsItsSizeForExtremePieces) {
  Score score;
  score.tracks.resize(20);
  score.tracks[3].notes = {{0, std::int64_t{1} << 40, 0, 1}, {5, 6, 127, 127}};
  score.tracks[3].name = "a \xff name that is much too long for any legend in the world";
  for (Track& track : score.tracks) track.notes.push_back({0, 1, 60, 64});
  score.time_signatures = {{0, 1, 64}, {3, 255, 1}, {4, 7, 32768}};
  const Canvas canvas = draw_piano_roll(score);
  EXPECT_LE(canvas.width(), 3200);
  EXPECT_LE(canvas.height(), 800);
}

TEST(PianoRoll, NamesTheFileThatCannotBeWritten) {
  EXPECT_THROW(render_piano_roll(Score(), "/nonexistent/roll.png"), FileError);
}

TEST(PianoRoll, DrawsARealPiece) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no ../shared/data";
  const Score score = read_midi_file(test::shared_data() / "pop909" / "001.mid").score;
  const Picture picture = draw(score);
  for (std::size_t track = 0; track < 3; ++track) {
    const int velocity = score.tracks[track].notes.front().velocity;
    EXPECT_GT(
        std::count(picture.pixels.begin(), picture.pixels.end(), note_colour(track, velocity)), 50);
  }
}

TEST(Canvas, ClipsWhatLeavesTheImage) {
  Canvas canvas(4, 3, {1, 2, 3});
  canvas.fill(-5, -5, 100, 6, {9, 9, 9});
  canvas.fill(3, 2, 100, 100, {7, 7, 7});
  canvas.fill(50, 50, 10, 10, {5, 5, 5});
  canvas.text(2, 2, "X", 3, {4, 4, 4});
  EXPECT_EQ(canvas.at(0, 0), (Colour{9, 9, 9}));
  EXPECT_EQ(canvas.at(0, 1), (Colour{1, 2, 3}));
}

TEST(Canvas, WritesGlyphs) {
  Canvas canvas(12, 14, {});
  canvas.text(0, 0, "l", 2, {255, 255, 255});  // a column at the left, a row at the bottom
  EXPECT_EQ(canvas.at(1, 1), (Colour{255, 255, 255}));
  EXPECT_EQ(canvas.at(9, 13), (Colour{255, 255, 255}));
  EXPECT_EQ(canvas.at(9, 1), Colour{});
}

}  // namespace
}  // namespace cadenza
