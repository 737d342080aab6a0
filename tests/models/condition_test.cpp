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
    const auto bin = static_cast<std::size_t>(density_bin(condition, density));
    EXPECT_GE(density, condition.bounds[bin]);
    EXPECT_LE(density, condition.bounds[bin + 1]);
    ++pieces[bin];
  }
  for (const int count : pieces) EXPECT_GE(count, 8);
  EXPECT_EQ(density_bin(condition, 0.0), 0);
  EXPECT_EQ(density_bin(condition, 99.0), condition.values - 1);
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
  EXPECT_EQ(data[Split::valid][0].conditions, (std::vector<std::int32_t>{densest, 1, d_major}));
  EXPECT_EQ(data[Split::valid][1].conditions, (std::vector<std::int32_t>{-1, 0, -1}));
  EXPECT_EQ(data[Split::train][7].conditions, (std::vector<std::int32_t>{0, 1, d_major}));
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
