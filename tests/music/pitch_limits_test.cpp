// SPDX-License-Identifier: Apache-2.0
#include "cadenza/pitch_limits.h"

#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

std::vector<int> classes(std::string_view key) {
  std::vector<int> out;
  const std::array<bool, 12> in = parse_key(key);
  for (int i = 0; i < 12; ++i) {
    if (in[static_cast<std::size_t>(i)]) out.push_back(i);
  }
  return out;
}

TEST(ParseKey, KnowsMajorAndMinor) {
  EXPECT_EQ(classes("C"), (std::vector<int>{0, 2, 4, 5, 7, 9, 11}));
  EXPECT_EQ(classes("a minor"), classes("C major"));
  EXPECT_EQ(classes("Bb"), (std::vector<int>{0, 2, 3, 5, 7, 9, 10}));
  EXPECT_EQ(classes("f#m"), classes("A maj"));
  EXPECT_EQ(classes("Cb"), classes("B"));
  EXPECT_EQ(classes("eb MIN"), classes("Gb"));
}

TEST(ParseKey, RefusesWhatIsNoKey) {
  for (const char* text : {"", " ", "H", "C dorian", "C##", "#", "minor", "c m m", "b b b"}) {
    test::expect_error<ArgumentError>([&] { parse_key(text); }, "key: expected a letter from A");
  }
}

/// Every token that decodes to a note of a pitch outside the limits is left out, and no other.
TEST(AllowedTokens, AreThoseThatDecodeWithinTheLimits) {
  PitchLimits limits = {.lowest = 50, .highest = 70};
  limits.classes = parse_key("D");
  for (const TokenizerInfo& info : tokenizers()) {
    const auto tokenizer = make_tokenizer(info.name);
    if (tokenizer->step_kind() == StepKind::frame) continue;
    const std::vector<bool> allowed = allowed_tokens(*tokenizer, limits);
    int left_out = 0;
    for (std::int32_t id = 0; id < tokenizer->vocabulary_size(); ++id) {
      // Some vocabularies need more tokens than its pitch for a note; its name says it then.
      const std::string name = tokenizer->token_name(id);
      const bool starts =
          info.name == "ids"
              ? id < 128
              : name.find("NOTE_ON") == 0 || name.find("PITCH") == 0 || name.find("Pitch_") == 0;
      if (!starts) {
        EXPECT_TRUE(allowed[static_cast<std::size_t>(id)]) << info.name << ' ' << name;
        continue;
      }
      const int pitch = std::stoi(name.substr(name.find_first_of("0123456789")));
      EXPECT_EQ(allowed[static_cast<std::size_t>(id)], limits.allow(pitch))
          << info.name << ' ' << name;
      left_out += limits.allow(pitch) ? 0 : 1;
    }
    EXPECT_GT(left_out, 0) << info.name;
  }
}

TEST(AllowedTokens, RefuseFramesAndEmptyLimits) {
  test::expect_error<ArgumentError>([] { allowed_tokens(*make_tokenizer("pianoroll"), {}); },
                                    "tokenizer pianoroll makes frames");
  test::expect_error<ArgumentError>(
      [] { allowed_tokens(*make_tokenizer("melody"), {.lowest = 90, .highest = 95}); },
      "leave no pitch from 90 to 95 to tokenizer melody");
}

}  // namespace
}  // namespace cadenza
