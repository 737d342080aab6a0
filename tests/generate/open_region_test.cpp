// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cadenza/infill.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

constexpr std::int32_t kHold = 0;
constexpr std::int32_t kSilence = 1;
constexpr std::int32_t kNote = 9;

/// "x" where a place is open, "!" where it must not hold besides, "." where it is kept.
std::string marks(const GridBlank& blank) {
  std::string text;
  for (std::size_t p = 0; p < blank.open.size(); ++p) {
    text += !blank.open[p] ? '.' : blank.no_hold[p] ? '!' : 'x';
  }
  return text;
}

/// A melody, typed: "n" a note, "-" hold, "r" the start of a silence.
Sequence melody(const std::string& text) {
  Sequence piece;
  for (const char c : text) piece.tokens.push_back(c == 'n' ? kNote : c == 'r' ? kSilence : kHold);
  return piece;
}

std::string opened(const std::string& text, std::int64_t begin, std::int64_t end) {
  return marks(open_region(*make_tokenizer("melody"), melody(text), {begin, end, {true}}));
}

TEST(OpenRegion, OpensWhatLiesInIt) {
  EXPECT_EQ(opened("n-n-n-n-", 2, 6), "..!xxx..");
  EXPECT_EQ(opened("n-n-n-n-", 0, 8), "xxxxxxxx");
  EXPECT_EQ(opened("n-r-n-n-", 2, 6), "..!xxx..") << "a hold would prolong the note before";
  EXPECT_EQ(opened("r-n-n-n-", 2, 6), "..xxxx..") << "a hold prolongs a silence, which may be";
  EXPECT_EQ(opened("--n-n-n-", 2, 6), "..xxxx..") << "nothing has begun before";
}

TEST(OpenRegion, KeepsNotesThatReachIntoIt) {
  EXPECT_EQ(opened("n---n-n-", 2, 6), "....!x..");
  EXPECT_EQ(opened("n-r---n-", 3, 6), "...xxx..") << "of a silence nobody hears where it ends";
}

TEST(OpenRegion, KeepsWhatGoesOnBehindIt) {
  EXPECT_EQ(opened("n-n-n---", 2, 6), "..!x....");
  EXPECT_EQ(opened("n-n-r---", 2, 6), "..!x....") << "what is drawn would go on in its place";
  EXPECT_EQ(opened("n-n-n-n---", 1, 8), "..!xxx....");
}

TEST(OpenRegion, OpensTheVoicesAskedFor) {
  const auto tokenizer = make_tokenizer("chorale");
  Sequence piece;
  piece.tokens = {kNote, kNote, kNote, kNote, kHold, kNote,
                  kHold, kHold, kNote, kHold, kNote, kHold};
  EXPECT_EQ(marks(open_region(*tokenizer, piece, {0, 3, {false, true, false, true}})),
            ".x.x.x.x.x.x");
  EXPECT_EQ(marks(open_region(*tokenizer, piece, {1, 3, {true, true, true, true}})),
            ".....!..!x!.");
}

TEST(OpenRegion, RefusesWhatCannotBeOpened) {
  const auto tokenizer = make_tokenizer("melody");
  const auto refuses = [&](const std::string& text, const GridRegion& region, const char* part) {
    test::expect_error<ArgumentError>([&] { open_region(*tokenizer, melody(text), region); }, part);
  };
  refuses("n-n-", {2, 2, {true}}, "from step 2 to 2 is empty");
  refuses("n-n-", {3, 2, {true}}, "from step 3 to 2 is empty");
  refuses("n-n-", {2, 5, {true}}, "from step 2 to 5 leaves the piece, which has 4");
  refuses("n-n-", {-1, 2, {true}}, "leaves the piece");
  refuses("n-n-", {0, 4, {false}}, "nothing in the region can change");
  refuses("n-------", {2, 6, {true}}, "nothing in the region can change");
  refuses("n-n-", {0, 4, {true, true}}, "speaks of 2 voices, the piece has 1");
  refuses("", {0, 4, {true}}, "the piece has 0 tokens");
  test::expect_error<ArgumentError>(
      [&] {
        open_region(*make_tokenizer("remi"), melody("n"), {0, 1, {true}});
      },
      "tokens of remi stand on no grid");
}

}  // namespace
}  // namespace cadenza
