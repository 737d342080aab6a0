// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "cadenza/tokenizer.h"
#include "music/tokenizers/scores.h"

namespace cadenza {
namespace {

using test::note;
using test::sixteenths;

constexpr const char* kAny = "min_bars=0;min_unique_pitches=1";

std::vector<std::vector<std::int32_t>> encode(const Score& score, const char* settings = kAny) {
  std::vector<std::vector<std::int32_t>> tokens;
  for (const Sequence& s : make_tokenizer("melody", settings)->encode(score)) {
    tokens.push_back(s.tokens);
  }
  return tokens;
}
using Lines = std::vector<std::vector<std::int32_t>>;

TEST(Melody, WritesOneTokenASixteenth) {
  const Score score = sixteenths({{note(0, 2, 48), note(2, 3, 83), note(5, 8, 60)}});
  EXPECT_EQ(encode(score), (Lines{{2, 0, 37, 1, 0, 14, 0, 0}}));
}

TEST(Melody, StartsAtTheBarOfTheFirstNote) {
  EXPECT_EQ(encode(sixteenths({{note(35, 36, 60)}})), (Lines{{0, 0, 0, 14}}));
  Score waltz = sixteenths({{note(26, 27, 60)}});
  waltz.time_signatures = {{0, 3, 4}};
  EXPECT_EQ(encode(waltz), (Lines{{0, 0, 14}}));
}

// Decoded music is in 4/4: an upbeat of a bar or more there would come back shorter.
TEST(Melody, DropsAnUpbeatOfAWholeBarOfFour) {
  Score score = sixteenths({{note(20, 21, 60)}});
  score.time_signatures = {{0, 6, 4}};
  EXPECT_EQ(encode(score), (Lines{{14}}));
  score.tracks[0].notes = {note(12, 13, 60)};
  EXPECT_EQ(encode(score).at(0).size(), 13u);
}

TEST(Melody, TakesTheHighestNoteAndLeavesOutWhatLiesUnderIt) {
  // A chord, then a long note over a short one, then a legato overlap downwards.
  const Score score = sixteenths(
      {{note(0, 2, 60), note(0, 2, 64), note(2, 8, 72), note(4, 5, 55), note(7, 9, 71)}});
  EXPECT_EQ(encode(score), (Lines{{18, 0, 26, 0, 0, 0, 0, 25, 0}}));
}

TEST(Melody, PartsALineAtABarOfSilence) {
  const Score score = sixteenths({{note(0, 1, 60), note(16, 17, 62), note(33, 34, 64)}});
  const Lines lines = encode(score);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].size(), 17u);
  EXPECT_EQ(lines[1], (std::vector<std::int32_t>{0, 18}));
}

TEST(Melody, MovesALineThatFitsByOctaves) {
  EXPECT_EQ(encode(sixteenths({{note(0, 1, 36), note(1, 2, 40)}})), (Lines{{2, 6}}));
  EXPECT_EQ(encode(sixteenths({{note(0, 1, 96), note(1, 2, 84)}})), (Lines{{26, 14}}));
  EXPECT_EQ(encode(sixteenths({{note(0, 1, 95), note(1, 2, 60)}})), (Lines{{37, 2}}));
}

TEST(Melody, FoldsSingleNotesOfALineThatDoesNotFit) {
  EXPECT_EQ(encode(sixteenths({{note(0, 1, 30), note(1, 2, 60), note(2, 3, 100)}})),
            (Lines{{8, 14, 30}}));
}

TEST(Melody, PrefersTracksWithSingleNotesToChords) {
  const std::vector<Note> line = {note(0, 1, 60), note(1, 2, 62)};
  const std::vector<Note> chords = {note(0, 1, 70), note(0, 1, 74), note(1, 2, 72)};
  const std::vector<Note> all_chords = {note(0, 1, 70), note(0, 1, 74)};
  EXPECT_EQ(encode(sixteenths({line, chords})).size(), 2u);  // half of the onsets at most
  EXPECT_EQ(encode(sixteenths({line, all_chords})), (Lines{{14, 16}}));
  EXPECT_EQ(encode(sixteenths({all_chords})), (Lines{{28}}));
}

TEST(Melody, DefaultsWantFourBarsAndFivePitches) {
  std::vector<Note> notes;
  for (int i = 0; i < 16; ++i) notes.push_back(note(4 * i, 4 * i + 4, 60 + i % 5));
  EXPECT_EQ(encode(sixteenths({notes}), "").size(), 1u);
  std::vector<Note> short_line(notes.begin(), notes.end() - 1);
  EXPECT_TRUE(encode(sixteenths({short_line}), "").empty());
  for (Note& n : notes) n.pitch = static_cast<std::uint8_t>(60 + n.pitch % 4);
  std::string reason;
  EXPECT_TRUE(make_tokenizer("melody")->encode(sixteenths({notes}), &reason).empty());
  EXPECT_EQ(reason,
            "no melody of at least 64 sixteenths and 5 different pitches between rests of a bar "
            "(longest 64 sixteenths, most pitches 4)");
}

TEST(Melody, PrimerMayBeShortAndRest) {
  const auto tokenizer = make_tokenizer("melody");
  const Sequence primer = tokenizer->encode_primer(parse_primer("60,-2,-1,62"));
  EXPECT_EQ(primer.tokens, (std::vector<std::int32_t>{14, 0, 1, 16}));
  const Score rests = sixteenths({{note(0, 1, 60), note(40, 41, 62)}});
  EXPECT_EQ(tokenizer->encode_primer(rests).size(), 41u);
}

TEST(Melody, DecodesNotesExactly) {
  const std::vector<Note> notes = {note(3, 5, 50), note(5, 6, 50), note(8, 20, 83)};
  const auto tokenizer = make_tokenizer("melody", kAny);
  const Score decoded = tokenizer->decode(tokenizer->encode(sixteenths({notes})).at(0));
  EXPECT_EQ(test::in_steps(decoded, test::kSixteenth), notes);
}

TEST(Melody, SkipsHoldsAndNoteOffsInSilence) {
  const Score score = make_tokenizer("melody")->decode({{0, 1, 0, 2, 1, 0, 1}, {}});
  EXPECT_EQ(test::in_steps(score, test::kSixteenth), (std::vector<Note>{note(3, 4, 48)}));
}

}  // namespace
}  // namespace cadenza
