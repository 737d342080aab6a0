// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "cadenza/error.h"
#include "cadenza/tokenizer.h"
#include "music/tokenizers/scores.h"

namespace cadenza {
namespace {

void expect_refused(const char* name, const char* settings, const std::string& part) {
  try {
    make_tokenizer(name, settings);
    ADD_FAILURE() << name << " took \"" << settings << '"';
  } catch (const ArgumentError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(TokenizerTable, NamesItsTokenizers) {
  for (const TokenizerInfo& info : tokenizers()) {
    EXPECT_EQ(make_tokenizer(info.name)->name(), info.name);
    EXPECT_FALSE(info.summary.empty());
  }
  EXPECT_EQ(tokenizers().size(), 6u);
}

TEST(TokenizerTable, VocabulariesHaveTheirPublishedSizes) {
  const auto size = [](const char* name, const char* settings) {
    return make_tokenizer(name, settings)->vocabulary_size();
  };
  EXPECT_EQ(size("melody", ""), 38);
  EXPECT_EQ(size("melody", "min_pitch=0;max_pitch=127"), 130);
  EXPECT_EQ(size("melody", "min_pitch=21;max_pitch=108"), 90);
  EXPECT_EQ(size("performance", ""), 388);
  EXPECT_EQ(size("remi", ""), 284);
  EXPECT_EQ(size("remi", "metres=1"), 357);
  EXPECT_EQ(size("chorale", ""), 48);
  EXPECT_EQ(size("pianoroll", ""), 88);
  EXPECT_EQ(size("ids", ""), 128);
  EXPECT_EQ(size("ids", "vocabulary=1000"), 1000);
}

TEST(TokenizerTable, EveryTokenHasItsOwnName) {
  for (const TokenizerInfo& info : tokenizers()) {
    const auto tokenizer = make_tokenizer(info.name);
    std::set<std::string> names;
    for (int id = 0; id < tokenizer->vocabulary_size(); ++id)
      names.insert(tokenizer->token_name(id));
    EXPECT_EQ(static_cast<int>(names.size()), tokenizer->vocabulary_size()) << info.name;
  }
}

TEST(TokenizerTable, SettingsRebuildTheTokenizer) {
  const std::pair<const char*, const char*> cases[] = {
      {"melody", "min_pitch=21;max_pitch=108;min_bars=2;min_unique_pitches=1"},
      {"performance", ""},
      {"remi", "metres=1"},
      {"chorale", ""},
      {"pianoroll", "steps_per_quarter=2"},
      {"ids", "vocabulary=50"},
  };
  for (const auto& [name, settings] : cases) {
    EXPECT_EQ(make_tokenizer(name, settings)->settings(), settings);
    const auto defaults = make_tokenizer(name);
    EXPECT_EQ(make_tokenizer(name, defaults->settings())->settings(), defaults->settings());
  }
}

TEST(TokenizerTable, RefusesAnUnknownNameWithTheKnownOnes) {
  expect_refused("melodi", "", "melody, performance, remi, chorale, pianoroll, ids");
}

TEST(TokenizerTable, RefusesFaultySettings) {
  expect_refused("melody", "min_pich=4", "min_pich");
  expect_refused("melody", "min_pich=4", "min_pitch, max_pitch, min_bars, min_unique_pitches");
  expect_refused("melody", "min_pitch=4x", "4x");
  expect_refused("melody", "min_pitch=", "min_pitch");
  expect_refused("melody", "min_pitch= 4", "min_pitch");
  expect_refused("melody", "max_pitch=128", "0 to 127");
  expect_refused("melody", "min_pitch=60;max_pitch=70", "octave");
  expect_refused("melody", "min_bars", "key=value");
  expect_refused("melody", "min_bars=1;", "key=value");
  expect_refused("melody", ";min_bars=1", "key=value");
  expect_refused("melody", "min_bars=1;min_bars=2", "twice");
  expect_refused("performance", "bins=32", "no settings");
  expect_refused("chorale", "voices=4", "letters of SATB in this order, got \"4\"");
  expect_refused("chorale", "voices=BA", "letters of SATB in this order, got \"BA\"");
  expect_refused("chorale", "voices=", "voices is empty");
  expect_refused("remi", "metres=2", "metres");
  expect_refused("pianoroll", "steps_per_quarter=0", "steps_per_quarter");
  expect_refused("ids", "vocabulary=99999999999999999999", "vocabulary");
}

TEST(Tokenizer, SaysWhyThereIsNothingToEncode) {
  const Score empty;
  Score drums = test::sixteenths({{test::note(0, 4, 36)}});
  drums.tracks[0].channel = 9;
  for (const TokenizerInfo& info : tokenizers()) {
    const auto tokenizer = make_tokenizer(info.name);
    std::string reason;
    EXPECT_TRUE(tokenizer->encode(empty, &reason).empty());
    EXPECT_EQ(reason, "no notes") << info.name;
    EXPECT_TRUE(tokenizer->encode(empty).empty());
    EXPECT_EQ(tokenizer->encode_primer(empty).size(), 0u);
    if (info.name == "remi") continue;
    EXPECT_TRUE(tokenizer->encode(drums, &reason).empty());
    EXPECT_EQ(reason, "no notes outside percussion") << info.name;
  }
}

TEST(Tokenizer, RefusesPiecesOfImplausibleLength) {
  const Score score = test::sixteenths({{test::note(0, std::int64_t{1} << 50, 60)}});
  for (const TokenizerInfo& info : tokenizers()) {
    std::string reason;
    EXPECT_TRUE(make_tokenizer(info.name)->encode(score, &reason).empty());
    EXPECT_NE(reason.find("quarter notes, expected at most"), std::string::npos) << info.name;
  }
}

TEST(Tokenizer, RefusesNotesThatNoScoreMayHold) {
  const Note broken[] = {test::note(-1, 4, 60), test::note(4, 4, 60), test::note(0, 4, 128)};
  for (const TokenizerInfo& info : tokenizers()) {
    for (const Note& note : broken) {
      EXPECT_THROW(make_tokenizer(info.name)->encode(test::sixteenths({{note}})), ArgumentError)
          << info.name;
    }
  }
}

TEST(Tokenizer, RefusesTokensOutsideTheVocabulary) {
  for (const TokenizerInfo& info : tokenizers()) {
    const auto tokenizer = make_tokenizer(info.name);
    if (tokenizer->step_kind() == StepKind::frame) {
      EXPECT_THROW(tokenizer->decode({{1}, {}}), ArgumentError);
      continue;
    }
    EXPECT_THROW(tokenizer->decode({{0, -1}, {}}), ArgumentError) << info.name;
    EXPECT_THROW(tokenizer->decode({{tokenizer->vocabulary_size()}, {}}), ArgumentError);
    EXPECT_THROW(tokenizer->decode({{}, {Frame(1)}}), ArgumentError) << info.name;
    EXPECT_NO_THROW(tokenizer->decode({{tokenizer->vocabulary_size() - 1}, {}})) << info.name;
  }
}

TEST(Tokenizer, DecodesAtTheGivenTempo) {
  for (const TokenizerInfo& info : tokenizers()) {
    const auto tokenizer = make_tokenizer(info.name);
    const Score score = tokenizer->decode({}, 90.0);
    ASSERT_EQ(score.tempos.size(), 1u);
    EXPECT_EQ(score.tempos[0].microseconds_per_quarter, 666667u);
    EXPECT_THROW(tokenizer->decode({}, 0.0), ArgumentError);
    EXPECT_THROW(tokenizer->decode({}, 1e300), ArgumentError);
  }
}

}  // namespace
}  // namespace cadenza
