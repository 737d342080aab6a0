// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cadenza/tokenizer.h"
#include "music/tokenizers/remi_vocabulary.h"
#include "music/tokenizers/scores.h"

namespace cadenza {
namespace {

using test::note;

nlohmann::json golden() {
  return nlohmann::json::parse(std::ifstream(CADENZA_TEST_GOLDEN_DIR "/miditok_remi.json"));
}

Score golden_score(const nlohmann::json& json) {
  Score score;
  Track& track = score.tracks.emplace_back();
  for (const auto& n : json["notes"]) {
    track.notes.push_back(note(n[0].get<int>(), n[1].get<int>(), n[2].get<int>(), n[3].get<int>()));
  }
  for (const auto& m : json["metre_changes"]) score.time_signatures.push_back({m[0], m[1], m[2]});
  return score;
}

// The first quarter of a bar is 8 positions; ticks of an eighth of a quarter.
Score eighths_of_quarters(std::vector<std::vector<Note>> tracks) {
  Score score = test::sixteenths(std::move(tracks));
  score.ticks_per_quarter = 8;
  return score;
}

std::vector<std::string> names(const Tokenizer& tokenizer, const Sequence& sequence) {
  std::vector<std::string> result;
  for (const std::int32_t id : sequence.tokens) result.push_back(tokenizer.token_name(id));
  return result;
}

class RemiGolden : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Tokenizer> tokenizer_ =
      make_tokenizer("remi", std::string(GetParam()) == "metres" ? "metres=1" : "");
};

TEST_P(RemiGolden, VocabularyIsMidiToks) {
  const auto vocabulary = golden()[GetParam()]["vocabulary"].get<std::vector<std::string>>();
  ASSERT_EQ(static_cast<std::size_t>(tokenizer_->vocabulary_size()), vocabulary.size());
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    EXPECT_EQ(tokenizer_->token_name(static_cast<std::int32_t>(id)), vocabulary[id]);
  }
}

TEST_P(RemiGolden, TokensAreMidiToksPlusAnEnd) {
  const nlohmann::json json = golden();
  auto ids = json[GetParam()]["ids"].get<std::vector<std::int32_t>>();
  ids.push_back(tokenizer_->end_token().value());
  const std::vector<Sequence> encoded = tokenizer_->encode(golden_score(json));
  ASSERT_EQ(encoded.size(), 1u);
  EXPECT_EQ(names(*tokenizer_, encoded[0]), names(*tokenizer_, {ids, {}}));
}

INSTANTIATE_TEST_SUITE_P(Remi, RemiGolden, testing::Values("plain", "metres"));

TEST(Remi, EveryDurationAndVelocityTokenHasItsOwnValue) {
  for (std::int32_t id = RemiVocabulary::kDuration; id < RemiVocabulary::kPosition; ++id) {
    const int units = RemiVocabulary::duration_units(id);
    EXPECT_EQ(RemiVocabulary::duration_id(units), id);
    EXPECT_EQ(nearest_duration(units), units);
  }
  EXPECT_EQ(nearest_duration(0), 1);
  EXPECT_EQ(nearest_duration(33), 34);
  EXPECT_EQ(RemiVocabulary::duration_id(33), RemiVocabulary::duration_id(32));
  EXPECT_EQ(nearest_duration(1000), 96);
  for (int i = 0; i < kRemiVelocities; ++i) EXPECT_EQ(remi_velocity_index(remi_velocity(i)), i);
}

TEST(Remi, RoundTripOfAQuantisedScoreIsExact) {
  const std::vector<Note> notes = {note(5, 37, 21, 3), note(5, 6, 60, 127), note(40, 74, 60, 63),
                                   note(74, 75, 60, 63), note(200, 296, 109, 7)};
  const auto tokenizer = make_tokenizer("remi");
  Score score = eighths_of_quarters({notes, {note(16, 17, 27, 3), note(16, 17, 88, 3)}});
  score.tracks[1].channel = 9;
  const Score decoded = tokenizer->decode(tokenizer->encode(score).at(0));
  ASSERT_EQ(decoded.tracks.size(), 2u);
  EXPECT_TRUE(decoded.tracks[1].is_drum());
  EXPECT_EQ(decoded.tracks[1].notes.size(), 2u);
  EXPECT_EQ(test::in_steps(decoded, 60), test::in_steps(score, 1));
}

TEST(Remi, KeepsMetresWhereItHasTokensForThem) {
  Score score =
      eighths_of_quarters({{note(0, 8, 60, 63), note(24, 32, 62, 63), note(60, 62, 64, 63)}});
  score.time_signatures = {{0, 3, 4}, {24, 2, 2}};
  const auto tokenizer = make_tokenizer("remi", "metres=1");
  const Score decoded = tokenizer->decode(tokenizer->encode(score).at(0));
  EXPECT_EQ(decoded.time_signatures,
            (std::vector<TimeSignature>{{0, 3, 4}, {24 * 60, 4, 4}}));  // 2/2 has bars of 4/4
  EXPECT_EQ(test::in_steps(decoded, 60), test::in_steps(score, 1));
}

TEST(Remi, RefusesAMetreWithoutATokenOnlyWithMetres) {
  Score score = eighths_of_quarters({{note(0, 8, 60, 63)}});
  score.time_signatures = {{0, 7, 8}};
  std::string reason;
  EXPECT_TRUE(make_tokenizer("remi", "metres=1")->encode(score, &reason).empty());
  EXPECT_NE(reason.find("7/8"), std::string::npos) << reason;
  EXPECT_EQ(make_tokenizer("remi")->encode(score).size(), 1u);
}

TEST(Remi, CountsABarCutShortByTheNextMetreAsABar) {
  // The third note rounds to the end of the short bar, which is the start of the next one.
  Score score = eighths_of_quarters(
      {{note(0, 8, 60, 63), note(36, 44, 62, 63), note(39, 55, 64, 63), note(88, 104, 65, 63)}});
  score.ticks_per_quarter = 16;
  score.time_signatures = {{0, 4, 4}, {40, 6, 8}, {88, 3, 4}};
  const auto tokenizer = make_tokenizer("remi", "metres=1");
  const Sequence once = tokenizer->encode(score).at(0);
  EXPECT_EQ(names(*tokenizer, once),
            (std::vector<std::string>{
                "Bar_None",       "TimeSig_4/4",    "Position_0",  "Pitch_60",    "Velocity_63",
                "Duration_0.4.8", "Position_18",    "Pitch_62",    "Velocity_63", "Duration_0.4.8",
                "Bar_None",       "TimeSig_6/8",    "Position_0",  "Pitch_64",    "Velocity_63",
                "Duration_2.0.8", "Bar_None",       "TimeSig_3/4", "Position_0",  "Pitch_65",
                "Velocity_63",    "Duration_1.0.8", "EOS_None"}));
  EXPECT_EQ(tokenizer->encode(tokenizer->decode(once)).at(0), once);
}

TEST(Remi, ShortensANoteToALengthThatEndsBeforeItsKeyIsStruckAgain) {
  const auto tokenizer = make_tokenizer("remi");
  const Sequence s =
      tokenizer->encode(eighths_of_quarters({{note(0, 60, 60, 63)}, {note(35, 36, 60, 63)}})).at(0);
  EXPECT_EQ(names(*tokenizer, s)[4], "Duration_4.1.4");  // 34 eighths, 35 has no token
}

TEST(Remi, StartsAtTheBarOfTheFirstNote) {
  const auto tokenizer = make_tokenizer("remi");
  const Sequence s = tokenizer->encode(eighths_of_quarters({{note(70, 71, 60, 63)}})).at(0);
  EXPECT_EQ(names(*tokenizer, s),
            (std::vector<std::string>{"Bar_None", "Position_6", "Pitch_60", "Velocity_63",
                                      "Duration_0.1.8", "EOS_None"}));
}

TEST(Remi, PrimerHasNoEnd) {
  const auto tokenizer = make_tokenizer("remi");
  const Score score = eighths_of_quarters({{note(0, 1, 60, 63)}});
  Sequence whole = tokenizer->encode(score).at(0);
  ASSERT_EQ(whole.tokens.back(), tokenizer->end_token());
  whole.tokens.pop_back();
  EXPECT_EQ(tokenizer->encode_primer(score), whole);
}

TEST(Remi, DecodesNothingAfterTheEndAndSkipsBrokenNotes) {
  const auto tokenizer = make_tokenizer("remi");
  const std::int32_t pitch = 5, velocity = 94, duration = 126, end = 2;
  const Score score = tokenizer->decode({{pitch, duration, velocity, pitch, pitch, velocity,
                                          duration, end, pitch, velocity, duration},
                                         {}});
  EXPECT_EQ(test::in_steps(score, 60), (std::vector<Note>{note(0, 1, 21, 3)}));
}

}  // namespace
}  // namespace cadenza
