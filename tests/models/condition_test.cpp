// SPDX-License-Identifier: Apache-2.0
#include "cadenza/condition.h"

#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "cadenza/key.h"
#include "cadenza/metrics.h"
#include "music/set_scores.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

// Eighths of a D major tune, with `rests` quarters of rest in their middle: the more, the thinner.
Piece tune(int rests, std::int32_t label = -1) {
  std::vector<Note> notes;
  std::int64_t start = 0;
  for (const std::uint8_t pitch :
       {62, 66, 69, 74, 71, 69, 67, 66, 64, 66, 69, 62, 62, 62, 62, 62}) {
    if (notes.size() == 8) start += 480 * rests;
    notes.push_back({start, start + 240, pitch, 64});
    start += 240;
  }
  Piece piece;
  piece.sequence = make_tokenizer("remi")->encode(test::score_of(notes)).front();
  piece.label = label;
  return piece;
}

Dataset tunes(int count) {
  const auto tokenizer = make_tokenizer("remi");
  Dataset data = {.tokenizer_name = "remi",
                  .tokenizer_settings = tokenizer->settings(),
                  .vocabulary = tokenizer->vocabulary_size()};
  for (int i = 0; i < count; ++i) data[Split::train].push_back(tune(i % 8, i % 2));
  return data;
}

TEST(Condition, SpreadsDensitiesOverBinsOfAboutAsManyPieces) {
  const Dataset data = tunes(64);
  const Condition condition = make_condition(ConditionKind::density, data);
  ASSERT_EQ(condition.bounds.size(), static_cast<std::size_t>(condition.values) + 1);
  EXPECT_GE(condition.values, 6);
  std::vector<int> pieces(static_cast<std::size_t>(condition.values));
  const auto tokenizer = make_tokenizer("remi");
  for (const Piece& piece : data[Split::train]) {
    const double density = note_density(tokenizer->decode(piece.sequence));
    const auto bin = static_cast<std::size_t>(bin_of(condition, density));
    EXPECT_GE(density, condition.bounds[bin]);
    EXPECT_LE(density, condition.bounds[bin + 1]);
    ++pieces[bin];
  }
  for (const int count : pieces) EXPECT_GE(count, 8);
  EXPECT_EQ(bin_of(condition, condition.bounds[2]), 2) << "a bound is the first of its bin";
  EXPECT_EQ(bin_of(condition, 0.0), 0);
  EXPECT_EQ(bin_of(condition, 99.0), condition.values - 1);
}

TEST(Condition, TellsWhatIsMeasuredOfEachPiece) {
  Dataset data = tunes(8);
  data.labels = {"even", "odd"};
  data[Split::valid] = {tune(0, 1), Piece{.label = 0}};  // the second has no note
  const std::vector<Condition> conditions = {make_condition(ConditionKind::density, data),
                                             make_condition(ConditionKind::label, data),
                                             make_condition(ConditionKind::key, data)};
  tell_conditions(data, conditions);
  const std::int32_t d_major = named_key("D").number();
  const std::int32_t densest = conditions[0].values - 1;
  using Values = std::vector<ConditionValue>;
  EXPECT_EQ(data[Split::valid][0].conditions, (Values{densest, 1, d_major}));
  EXPECT_EQ(data[Split::valid][1].conditions, (Values{-1, 0, -1}));
  EXPECT_FALSE(data[Split::valid][1].conditions[0].known());
  EXPECT_EQ(data[Split::train][7].conditions, (Values{0, 1, d_major}));
}

// The tune has sixteen notes of one length.
TEST(Condition, TellsTheSharesOfPitchClasses) {
  Dataset data = tunes(1);
  data[Split::valid] = {Piece()};
  const std::vector<Condition> conditions = {make_condition(ConditionKind::histogram, data)};
  EXPECT_EQ(conditions[0].values, 12);
  EXPECT_EQ(conditions[0].parameter_shape(), (Shape{conditions[0].embedding, 12}));
  tell_conditions(data, conditions);
  const ConditionValue& told = data[Split::train][0].conditions[0];
  ASSERT_EQ(told.shares.size(), 12U);
  EXPECT_FLOAT_EQ(told.shares[2], 7.0F / 16);  // D
  EXPECT_FLOAT_EQ(told.shares[6], 3.0F / 16);
  EXPECT_FLOAT_EQ(told.shares[9], 3.0F / 16);
  EXPECT_FLOAT_EQ(told.shares[4], 1.0F / 16);
  EXPECT_FLOAT_EQ(told.shares[0], 0.0F);
  EXPECT_TRUE(told.known());
  EXPECT_FALSE(data[Split::valid][0].conditions[0].known());
}

TEST(Condition, TellsTheTempoOfTokensThatKeepTime) {
  const auto tokenizer = make_tokenizer("performance");
  Dataset data = {.tokenizer_name = "performance",
                  .tokenizer_settings = tokenizer->settings(),
                  .vocabulary = tokenizer->vocabulary_size()};
  for (int i = 0; i < 32; ++i) {
    Score score = test::quarters(std::vector<int>(24, 60));
    score.tempos = {{0, static_cast<std::uint32_t>(60e6 / (80 + 2 * i))}};
    data[Split::train].push_back({.sequence = tokenizer->encode(score).front()});
  }
  const std::vector<Condition> conditions = {make_condition(ConditionKind::tempo, data)};
  EXPECT_EQ(conditions[0].values, 8);
  EXPECT_NEAR(conditions[0].bounds.front(), 80.0, 1.0);
  EXPECT_NEAR(conditions[0].bounds.back(), 142.0, 1.0);
  tell_conditions(data, conditions);
  for (int i = 0; i < 32; ++i) {
    if (i % 4 == 0) continue;  // on the bound between two bins
    EXPECT_EQ(data[Split::train][static_cast<std::size_t>(i)].conditions[0].number, i / 4) << i;
  }
  data = tunes(8);
  test::expect_error<ArgumentError>(
      [&] { make_condition(ConditionKind::tempo, data); },
      "condition tempo: steps of 'remi' count beats, whatever their tempo; expected tokenizer "
      "performance");
}

TEST(Condition, NeedsPiecesThatDiffer) {
  Dataset data = tunes(1);
  test::expect_error<ArgumentError>([&] { make_condition(ConditionKind::density, data); },
                                    "the training pieces do not differ in it");
  test::expect_error<ArgumentError>([&] { make_condition(ConditionKind::label, data); },
                                    "the data have no labels");
  test::expect_error<ArgumentError>([] { parse_condition("mood"); },
                                    "unknown condition 'mood', expected one of label, key");
}

}  // namespace
}  // namespace cadenza
