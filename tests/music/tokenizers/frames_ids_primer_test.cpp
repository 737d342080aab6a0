// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cadenza/error.h"
#include "cadenza/tokenizer.h"
#include "music/tokenizers/scores.h"

namespace cadenza {
namespace {

using test::note;
using test::sixteenths;

Frame keys(std::initializer_list<int> pitches) {
  Frame frame;
  for (const int pitch : pitches) frame.set(static_cast<std::size_t>(pitch - kLowestKey));
  return frame;
}

TEST(Pianoroll, MarksTheKeysThatSoundInEachStep) {
  const Score score = sixteenths({{note(0, 2, 21), note(1, 3, 108)}, {note(0, 1, 60)}});
  EXPECT_EQ(make_tokenizer("pianoroll")->encode(score).at(0).frames,
            (std::vector<Frame>{keys({21, 60}), keys({21, 108}), keys({108})}));
}

TEST(Pianoroll, TakesItsGridFromTheSettings) {
  const Score score = sixteenths({{note(0, 8, 60)}});
  for (const int steps : {1, 2, 4, 7, 12}) {
    const auto tokenizer =
        make_tokenizer("pianoroll", "steps_per_quarter=" + std::to_string(steps));
    const Sequence sequence = tokenizer->encode(score).at(0);
    EXPECT_EQ(sequence.size(), static_cast<std::size_t>(2 * steps));
    const Score decoded = tokenizer->decode(sequence);
    EXPECT_EQ(decoded.end(), 2 * decoded.ticks_per_quarter);
    EXPECT_EQ(tokenizer->encode(decoded).at(0), sequence);
  }
}

TEST(Pianoroll, RoundTripIsExactWhereNoNoteIsRepeatedAtOnce) {
  const std::vector<Note> notes = {note(2, 4, 60), note(3, 9, 64), note(5, 6, 60), note(7, 9, 60)};
  const auto tokenizer = make_tokenizer("pianoroll");
  EXPECT_EQ(test::in_steps(tokenizer->decode(tokenizer->encode(sixteenths({notes})).at(0)),
                           test::kSixteenth),
            notes);
}

TEST(Pianoroll, DropsNotesOffTheKeyboard) {
  const auto tokenizer = make_tokenizer("pianoroll");
  EXPECT_EQ(tokenizer->encode(sixteenths({{note(0, 1, 20), note(0, 1, 60), note(0, 9, 109)}}))
                .at(0)
                .frames,
            (std::vector<Frame>{keys({60})}));
  std::string reason;
  EXPECT_TRUE(tokenizer->encode(sixteenths({{note(0, 1, 20)}}), &reason).empty());
  EXPECT_EQ(reason, "no notes on the 88 keys of a piano");
}

TEST(Ids, AreThePitchesOfTheUpperLine) {
  const Score score = sixteenths({{note(0, 4, 60), note(4, 8, 60), note(4, 8, 64)}});
  EXPECT_EQ(make_tokenizer("ids")->encode(score).at(0).tokens, (std::vector<std::int32_t>{60, 64}));
}

TEST(Ids, SoundOneSixteenthEachAndOtherIdsNotAtAll) {
  const Score score = make_tokenizer("ids", "vocabulary=200")->decode({{60, 60, 199, 127}, {}});
  EXPECT_EQ(test::in_steps(score, test::kSixteenth),
            (std::vector<Note>{note(0, 1, 60), note(1, 2, 60), note(2, 3, 127)}));
}

TEST(Ids, LeaveOutPitchesBeyondTheVocabulary) {
  const auto tokenizer = make_tokenizer("ids", "vocabulary=62");
  const Score score = sixteenths({{note(0, 1, 61), note(1, 2, 62)}});
  EXPECT_EQ(tokenizer->encode(score).at(0).tokens, (std::vector<std::int32_t>{61}));
  std::string reason;
  EXPECT_TRUE(make_tokenizer("ids", "vocabulary=10")->encode(score, &reason).empty());
  EXPECT_EQ(reason, "no pitch below 10, the vocabulary");
}

std::vector<Note> primer(const char* text) {
  return test::in_steps(parse_primer(text), test::kSixteenth);
}

TEST(ParsePrimer, ReadsPitchesHoldsAndRests) {
  EXPECT_EQ(primer("60, -2,62 ,-1,-2,64"),
            (std::vector<Note>{note(0, 2, 60), note(2, 3, 62), note(5, 6, 64)}));
  EXPECT_EQ(primer("[60,60]"), (std::vector<Note>{note(0, 1, 60), note(1, 2, 60)}));
  EXPECT_EQ(primer("-2,0"), (std::vector<Note>{note(1, 2, 0)}));
}

TEST(ParsePrimer, NamesTheFaultyItem) {
  const auto error = [](const char* text) -> std::string {
    try {
      parse_primer(text);
    } catch (const ArgumentError& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_NE(error("60,128").find("item 2"), std::string::npos) << error("60,128");
  EXPECT_NE(error("60,128").find("\"128\""), std::string::npos);
  EXPECT_NE(error("60,x,61").find("\"x\""), std::string::npos);
  EXPECT_NE(error("-3").find("item 1"), std::string::npos);
  EXPECT_NE(error("60,").find("item 2"), std::string::npos);
  EXPECT_NE(error("60,,61").find("item 2"), std::string::npos);
  EXPECT_NE(error("").find("item 1"), std::string::npos);
  EXPECT_NE(error("[]").find("item 1"), std::string::npos);
  EXPECT_NE(error("60 61").find("item 1"), std::string::npos);
}

}  // namespace
}  // namespace cadenza
