// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/midi.h"
#include "cadenza/tokenizer.h"
#include "music/tokenizers/scores.h"
#include "support/shared_data.h"

namespace cadenza {
namespace {

using test::note;
using test::sixteenths;
using Ids = std::vector<std::int32_t>;

constexpr std::int32_t pitch(int p) { return p - 34; }

TEST(Chorale, InterleavesFourTracksFromHighToLow) {
  const Score score = sixteenths(
      {{note(0, 2, 36)}, {note(0, 1, 81), note(1, 2, 81)}, {note(0, 2, 55)}, {note(0, 1, 60)}});
  const auto tokenizer = make_tokenizer("chorale");
  EXPECT_EQ(tokenizer->encode(score).at(0).tokens,
            (Ids{pitch(81), pitch(60), pitch(55), pitch(36), pitch(81), 1, 0, 0}));
  EXPECT_EQ(tokenizer->token_name(2), "PITCH 36");
  EXPECT_EQ(tokenizer->token_name(47), "PITCH 81");
}

TEST(Chorale, BelievesVoiceNamesMoreThanPitches) {
  Score score = sixteenths({{note(0, 1, 50)}, {}, {note(0, 1, 60)}, {note(0, 1, 70)}});
  const char* names[] = {"Soprano", "ALTO", "tenor", "Bass"};
  for (std::size_t i = 0; i < 4; ++i) score.tracks[i].name = names[i];
  EXPECT_EQ(make_tokenizer("chorale")->encode(score).at(0).tokens,
            (Ids{pitch(50), 1, pitch(60), pitch(70)}));
}

TEST(Chorale, SplitsASingleTrackByPitchWithLittleMovement) {
  // The second chord lacks a tenor; the alto stays near its note.
  const Score score = sixteenths({{note(0, 2, 72), note(0, 2, 65), note(0, 2, 57), note(0, 2, 48),
                                   note(2, 3, 71), note(2, 3, 65), note(2, 3, 43)}});
  EXPECT_EQ(make_tokenizer("chorale")->encode(score).at(0).tokens,
            (Ids{pitch(72), pitch(65), pitch(57), pitch(48), 0, 0, 0, 0, pitch(71), pitch(65), 1,
                 pitch(43)}));
}

TEST(Chorale, RefusesOtherMusicWithAReason) {
  const auto tokenizer = make_tokenizer("chorale");
  std::string reason;
  EXPECT_TRUE(tokenizer->encode(sixteenths({{note(0, 4, 60)}}), &reason).empty());
  EXPECT_NE(reason.find("four voices"), std::string::npos) << reason;
  std::vector<Note> five;
  for (int i = 0; i < 5; ++i) five.push_back(note(0, 4, 50 + 4 * i));
  EXPECT_TRUE(tokenizer->encode(sixteenths({five}), &reason).empty());
  EXPECT_NE(reason.find("up to 5"), std::string::npos) << reason;
  five.resize(4);
  five[0].pitch = 35;
  EXPECT_TRUE(tokenizer->encode(sixteenths({five}), &reason).empty());
  EXPECT_EQ(reason, "has pitch 35, expected 36 to 81");
}

TEST(Chorale, PrimerMayBeOneVoice) {
  EXPECT_EQ(make_tokenizer("chorale")->encode_primer(parse_primer("72,-2")).tokens,
            (Ids{pitch(72), 1, 1, 1, 0, 0, 0, 0}));
}

// The parts of one score go step by step together, whichever voice begins or ends first.
TEST(Chorale, TakesTheVoicesItIsToldTo) {
  const Score score = sixteenths(
      {{note(1, 2, 72)}, {note(0, 2, 64)}, {note(0, 2, 55), note(2, 4, 57)}, {note(0, 4, 48)}});
  const auto soprano = make_tokenizer("chorale", "voices=S");
  EXPECT_EQ(soprano->settings(), "voices=S");
  EXPECT_EQ(soprano->encode(score).at(0).tokens, (Ids{1, pitch(72), 1, 0}));
  const auto lower = make_tokenizer("chorale", "voices=AB");
  EXPECT_EQ(lower->encode(score).at(0).tokens, (Ids{pitch(64), pitch(48), 0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(make_tokenizer("chorale", "voices=SATB")->settings(), "");

  const Score decoded = lower->decode({{pitch(64), pitch(48), 0, 0}, {}});
  ASSERT_EQ(decoded.tracks.size(), 2U);
  EXPECT_EQ(decoded.tracks[0].name, "alto");
  EXPECT_EQ(decoded.tracks[1].name, "bass");
  EXPECT_EQ(test::in_steps(decoded, test::kSixteenth),
            (std::vector<Note>{note(0, 2, 48), note(0, 2, 64)}));
}

TEST(Chorale, RoundTripIsExactAtNoteLevel) {
  const Score score = sixteenths({{note(2, 6, 72), note(6, 7, 72), note(9, 12, 74)},
                                  {note(4, 12, 67)},
                                  {note(0, 12, 60)},
                                  {note(0, 4, 48), note(8, 10, 43)}});
  const auto tokenizer = make_tokenizer("chorale");
  const Score decoded = tokenizer->decode(tokenizer->encode(score).at(0));
  ASSERT_EQ(decoded.tracks.size(), 4u);
  for (std::size_t voice = 0; voice < 4; ++voice) {
    Score one;
    one.tracks = {decoded.tracks[voice]};
    EXPECT_EQ(test::in_steps(one, test::kSixteenth), score.tracks[voice].notes);
  }
}

TEST(Chorale, AnUnfinishedLastStepHoldsTheMissingVoices) {
  const Score score = make_tokenizer("chorale")->decode(
      {{pitch(72), pitch(67), pitch(60), pitch(48), pitch(74)}, {}});
  EXPECT_EQ(score.note_count(), 5u);
}

TEST(Chorale, RoundTripOfTheBachChoralesIsExact) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data";
  const auto tokenizer = make_tokenizer("chorale");
  const Dataset set =
      load_chorale_json(test::shared_data() / "chorales" / "jsb16-separated.json", *tokenizer);
  std::size_t pieces = 0;
  for (const std::vector<Piece>& split : set.splits) {
    for (const Piece& piece : split) {
      const Score score = tokenizer->decode(piece.sequence);
      ASSERT_EQ(tokenizer->encode(score).at(0), piece.sequence) << piece.name;
      const Score file = read_midi(write_midi(score)).score;
      ASSERT_EQ(tokenizer->encode(file).at(0), piece.sequence) << piece.name;
      ++pieces;
    }
  }
  EXPECT_EQ(pieces, 382u);
}

}  // namespace
}  // namespace cadenza
