// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "cadenza/tokenizer.h"
#include "music/tokenizers/scores.h"

namespace cadenza {
namespace {

using test::note;

constexpr std::int32_t kOff = 128;
constexpr std::int32_t kShift = 255;     // plus steps
constexpr std::int32_t kVelocity = 355;  // plus bin
using Ids = std::vector<std::int32_t>;

// At 120 quarters a minute and 50 ticks a quarter a tick is a step of 10 ms.
Score steps(std::vector<std::vector<Note>> tracks) {
  Score score = test::sixteenths(std::move(tracks));
  score.ticks_per_quarter = 50;
  return score;
}

Ids performed(const Score& score) {
  return make_tokenizer("performance")->encode(score).at(0).tokens;
}
// Decoded at 120 a tick is a millisecond.
std::vector<Note> decode(const Ids& ids, double qpm = 120.0, std::int64_t ticks = 10) {
  return test::in_steps(make_tokenizer("performance")->decode({ids, {}}, qpm), ticks);
}

TEST(Performance, NumbersTokensAsMagentaDoes) {
  const auto tokenizer = make_tokenizer("performance");
  EXPECT_EQ(tokenizer->token_name(0), "NOTE_ON 0");
  EXPECT_EQ(tokenizer->token_name(255), "NOTE_OFF 127");
  EXPECT_EQ(tokenizer->token_name(256), "TIME_SHIFT 1");
  EXPECT_EQ(tokenizer->token_name(355), "TIME_SHIFT 100");
  EXPECT_EQ(tokenizer->token_name(356), "VELOCITY 1");
  EXPECT_EQ(tokenizer->token_name(387), "VELOCITY 32");
}

// The same ids come from note-seq 0.0.5 (Performance with 32 bins, one-hot encoding).
TEST(Performance, WritesShiftsAndVelocityChangesBetweenKeys) {
  const Score score = steps({{note(0, 230, 60, 64), note(0, 30, 64, 64), note(30, 230, 62, 127)}});
  EXPECT_EQ(performed(score), (Ids{kVelocity + 16, 60, 64, kShift + 30, kOff + 64, kVelocity + 32,
                                   62, kShift + 100, kShift + 100, kOff + 60, kOff + 62}));
}

TEST(Performance, StartsAtTheFirstNoteAndMergesTracks) {
  const Score score = steps({{note(500, 510, 60, 1)}, {note(505, 510, 72, 1)}});
  EXPECT_EQ(performed(score),
            (Ids{kVelocity + 1, 60, kShift + 5, 72, kShift + 5, kOff + 60, kOff + 72}));
}

TEST(Performance, FollowsTheTempoMap) {
  Score score = steps({{note(0, 50, 60, 1), note(50, 100, 62, 1)}});
  score.tempos = {{0, 500000}, {50, 250000}};
  EXPECT_EQ(performed(score),
            (Ids{kVelocity + 1, 60, kShift + 50, kOff + 60, 62, kShift + 25, kOff + 62}));
}

TEST(Performance, HoldsNotesWithThePedal) {
  Score score = steps({{note(0, 10, 60, 1)}});
  score.tracks[0].pedal = {{5, true}, {60, false}};
  EXPECT_EQ(performed(score), (Ids{kVelocity + 1, 60, kShift + 60, kOff + 60}));
}

TEST(Performance, CutsANoteWhereItsKeyIsStruckAgain) {
  const Score score = steps({{note(0, 30, 60, 1)}, {note(10, 20, 60, 1)}});
  EXPECT_EQ(performed(score),
            (Ids{kVelocity + 1, 60, kShift + 10, kOff + 60, 60, kShift + 10, kOff + 60}));
}

TEST(Performance, RoundTripOfAQuantisedScoreIsExact) {
  std::mt19937 random(7);
  std::vector<Note> notes;
  std::vector<std::int64_t> free(128, 0);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::int64_t start = 0;
  for (int i = 0; i < 2000; ++i) {
    const int pitch = below(128);
    std::int64_t& key_free = free[static_cast<std::size_t>(pitch)];
    if (i > 0) start = std::max(start + below(40), key_free);
    key_free = start + 1 + below(300);
    notes.push_back(note(start, key_free, pitch, 1 + 4 * below(32)));
  }
  std::sort(notes.begin(), notes.end());
  const Ids ids = performed(steps({notes}));
  EXPECT_EQ(decode(ids), notes);
  for (const double qpm : {4.0, 33.3, 97.0, 240.0, 1000.0}) {
    const Score decoded = make_tokenizer("performance")->decode({ids, {}}, qpm);
    EXPECT_LE(decoded.ticks_per_quarter, 32767) << qpm;
    EXPECT_EQ(performed(decoded), ids) << qpm;
  }
}

TEST(Performance, ClosesHungNotesAfterFiveSecondsOrAtTheEnd) {
  Ids ids = {60};
  for (int i = 0; i < 6; ++i) ids.push_back(kShift + 100);
  ids.push_back(62);
  ids.push_back(kShift + 10);
  ids.push_back(64);
  EXPECT_EQ(decode(ids), (std::vector<Note>{note(0, 500, 60), note(600, 610, 62)}));
}

TEST(Performance, KeepsLongNotesThatAreClosed) {
  Ids ids = {60};
  for (int i = 0; i < 9; ++i) ids.push_back(kShift + 100);
  ids.push_back(kOff + 60);
  EXPECT_EQ(decode(ids), (std::vector<Note>{note(0, 900, 60)}));
}

TEST(Performance, SkipsNoteOffsOfSilentKeys) {
  EXPECT_EQ(decode({kOff + 60, 61, kShift + 2, kOff + 62, kOff + 61, kOff + 61}),
            (std::vector<Note>{note(0, 2, 61)}));
}

}  // namespace
}  // namespace cadenza
