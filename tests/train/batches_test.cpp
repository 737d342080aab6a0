// SPDX-License-Identifier: Apache-2.0
#include "train/batches.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/tiny_data.h"

namespace cadenza {
namespace {

BatchSource source_of(const Dataset& data, std::int64_t rows, std::int64_t steps) {
  return {.pieces = &data[Split::train],
          .kind = data.step_kind,
          .width = data.vocabulary,
          .rows = rows,
          .sequence_length = steps};
}

using Position = std::pair<std::int64_t, std::int64_t>;  // piece, step

// Every (piece, step) of an epoch with the (input, target) it was given.
std::multimap<Position, std::pair<int, int>> visit(EpochBatches batches) {
  std::multimap<Position, std::pair<int, int>> seen;
  while (const auto batch = batches.next()) {
    for (std::int64_t b = 0; b < batch->rows; ++b) {
      const auto row = static_cast<std::size_t>(b);
      for (std::int64_t t = 0; t < batch->steps; ++t) {
        const auto cell = static_cast<std::size_t>(t * batch->rows + b);
        const bool inside = t < batch->lengths[row];
        EXPECT_EQ(batch->weights[cell], inside ? 1.0F : 0.0F);
        if (!inside) continue;
        seen.emplace(Position{batch->piece[row], batch->first_step[row] + t},
                     std::pair{batch->input_ids[cell], batch->target_ids[cell]});
      }
    }
  }
  return seen;
}

TEST(EpochBatches, PredictEveryStepOnceFromTheOneBefore) {
  const Dataset data = test::tiny_tokens();
  for (const std::int64_t rows : {1, 2, 5, 16}) {
    for (const std::int64_t steps : {1, 4, 100}) {
      const auto seen = visit(EpochBatches(source_of(data, rows, steps),
                                           training_order(data[Split::train], rows, 1, 0), true));
      EXPECT_EQ(seen.size(), step_count(data[Split::train])) << rows << " rows of " << steps;
      for (const auto& [position, step] : seen) {
        const auto& tokens =
            data[Split::train][static_cast<std::size_t>(position.first)].sequence.tokens;
        const auto t = static_cast<std::size_t>(position.second);
        EXPECT_EQ(seen.count(position), 1U);
        EXPECT_EQ(step.second, tokens[t]);
        EXPECT_EQ(step.first, t == 0 ? -1 : tokens[t - 1]);
      }
    }
  }
}

// Pieces below the longest end with one more token; nothing is cut; the longest rows come first.
TEST(EpochBatches, OfWholePiecesTellTheirEnds) {
  const Dataset data = test::tiny_tokens();
  const std::vector<Piece>& pieces = data[Split::train];
  const auto longest = static_cast<std::int64_t>(pieces.back().sequence.size());
  EpochBatches batches(batch_source(data, Split::train, 2, 3, longest),
                       training_order(pieces, 2, 1, 0), true);
  std::set<std::int64_t> seen;
  while (const auto batch = batches.next()) {
    EXPECT_GE(batch->lengths[0], batch->lengths[1]);
    for (std::size_t b = 0; b < 2; ++b) {
      if (batch->lengths[b] == 0) continue;
      EXPECT_TRUE(seen.insert(batch->piece[b]).second);
      const auto& tokens = pieces[static_cast<std::size_t>(batch->piece[b])].sequence.tokens;
      std::vector<std::int32_t> targets;
      for (std::int64_t t = 0; t < batch->lengths[b]; ++t) {
        targets.push_back(batch->target_ids[static_cast<std::size_t>(t) * 2 + b]);
      }
      std::vector<std::int32_t> expected = tokens;
      if (static_cast<std::int64_t>(tokens.size()) < longest) expected.push_back(data.vocabulary);
      EXPECT_EQ(targets, expected);
    }
  }
  EXPECT_EQ(seen.size(), pieces.size());
}

TEST(EpochBatches, CountTheirBatches) {
  const Dataset data = test::tiny_tokens();
  EpochBatches batches(source_of(data, 2, 4), training_order(data[Split::train], 2, 1, 0), true);
  const std::int64_t count = batches.count();
  std::int64_t walked = 0;
  while (batches.next()) ++walked;
  EXPECT_EQ(walked, count);
}

TEST(EpochBatches, SkipToTheSameBatchAsWalking) {
  const Dataset data = test::tiny_tokens();
  const auto make = [&] {
    return EpochBatches(source_of(data, 3, 4), training_order(data[Split::train], 3, 1, 0), true);
  };
  EpochBatches walked = make();
  for (int i = 0; i < 5; ++i) walked.next();
  EpochBatches skipped = make();
  skipped.skip(5);
  const auto a = walked.next();
  const auto b = skipped.next();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->target_ids, b->target_ids);
  EXPECT_EQ(a->keep_state, b->keep_state);
}

TEST(EpochBatches, KeepTheStateOnlyWithinAPiece) {
  const Dataset data = test::tiny_tokens();
  EpochBatches batches(source_of(data, 2, 4), training_order(data[Split::train], 2, 1, 0), false);
  while (const auto batch = batches.next()) {
    for (std::size_t b = 0; b < 2; ++b) {
      if (batch->lengths[b] == 0) continue;
      EXPECT_EQ(batch->keep_state[b] == 0.0F, batch->first_step[b] == 0);
    }
  }
}

TEST(EpochBatches, CutOneLongPieceIntoARowEach) {
  Dataset data = test::tiny_tokens();
  Piece all;
  for (const Piece& piece : data[Split::train]) {
    all.sequence.tokens.insert(all.sequence.tokens.end(), piece.sequence.tokens.begin(),
                               piece.sequence.tokens.end());
  }
  data[Split::train] = {all};
  EpochBatches batches(source_of(data, 4, 8), {0}, true);
  const auto batch = batches.next();
  ASSERT_TRUE(batch);
  for (const std::int32_t length : batch->lengths) EXPECT_EQ(length, 8);
}

TEST(TrainingOrder, IsAPermutationThatChangesWithSeedAndEpoch) {
  const Dataset data = test::tiny_tokens(12, 60);
  const auto& pieces = data[Split::train];
  const auto order = training_order(pieces, 4, 1, 0);
  EXPECT_EQ(std::set<std::int64_t>(order.begin(), order.end()).size(), pieces.size());
  EXPECT_EQ(order, training_order(pieces, 4, 1, 0));
  EXPECT_NE(order, training_order(pieces, 4, 1, 1));
  EXPECT_NE(order, training_order(pieces, 4, 2, 0));
}

}  // namespace
}  // namespace cadenza
