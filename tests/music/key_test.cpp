// SPDX-License-Identifier: Apache-2.0
#include "cadenza/key.h"

#include <gtest/gtest.h>

#include "music/set_scores.h"

namespace cadenza {
namespace {

// The scale up, then its fifth, third and tonic.
Score tune_in(const Key& key) {
  std::vector<int> pitches;
  const std::array<bool, 12> scale = scale_of(key);
  for (int step = 0; step < 12; ++step) {
    if (scale[static_cast<std::size_t>((key.tonic + step) % 12)]) pitches.push_back(step);
  }
  for (const int step : {7, key.mode == Mode::major ? 4 : 3, 0}) {
    pitches.insert(pitches.end(), 2, step);
  }
  for (int& pitch : pitches) pitch += 48 + key.tonic;
  return test::quarters(pitches);
}

TEST(EstimateKey, FindsEachOfTheTwentyFour) {
  for (int number = 0; number < kKeyCount; ++number) {
    const Key key = key_of(number);
    EXPECT_EQ(key.number(), number);
    EXPECT_EQ(named_key(name_of(key)), key) << name_of(key);
    EXPECT_EQ(estimate_key(tune_in(key)), key) << name_of(key);
  }
}

TEST(EstimateKey, WeighsNotesByTheirLength) {
  // A long C major chord beside many short notes of F sharp major.
  std::vector<Note> notes;
  for (const std::uint8_t pitch : {60, 64, 67}) notes.push_back({0, 4800, pitch, 64});
  for (int i = 0; i < 30; ++i) {
    const std::uint8_t pitch =
        std::array<std::uint8_t, 3>{66, 70, 73}[static_cast<std::size_t>(i % 3)];
    notes.push_back({4800 + i * 10, 4805 + i * 10, pitch, 64});
  }
  EXPECT_EQ(estimate_key(test::score_of(notes)), named_key("C"));
}

TEST(EstimateKey, GivesNoneWithoutNotesAndSomeForAll) {
  EXPECT_EQ(estimate_key(Score()), std::nullopt);
  EXPECT_EQ(estimate_key(test::score_of({{0, 480, 36, 64}}, 9)), std::nullopt);  // percussion
  std::vector<int> chromatic;
  for (int pitch = 60; pitch < 72; ++pitch) chromatic.push_back(pitch);
  EXPECT_TRUE(estimate_key(test::quarters(chromatic)).has_value());
}

}  // namespace
}  // namespace cadenza
