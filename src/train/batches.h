// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"

namespace cadenza {

/// What the batches are cut from, and how.
struct BatchSource {
  const std::vector<Piece>* pieces = nullptr;
  StepKind kind = StepKind::token;
  int width = 0;
  std::int64_t rows = 1;             ///< B
  std::int64_t sequence_length = 1;  ///< T at most
  bool pairs = false;                ///< with their sources
  /// Pieces of fewer steps end with one more token, `width`.
  std::int64_t ends_below = 0;
  std::int64_t history = 0;  ///< of Batch::history
};

/// Batches of one split as its data and model want them: chunks of at most `sequence_length` steps,
/// or, of pairs and for a model that reads whole pieces (Model::whole_steps), each with all its
/// steps. `history` as Model::history().
BatchSource batch_source(const Dataset& data, Split split, std::int64_t rows,
                         std::int64_t sequence_length, std::int64_t whole_steps = 0,
                         std::int64_t history = 0);

/// Walks once over all pieces, B side by side, in chunks of at most T steps. A row that ends its
/// piece takes the next one at the following chunk; keep_state is 0 there. Every step is predicted
/// exactly once, the first of a piece from nothing.
class EpochBatches {
 public:
  /// Pieces in the given order of indices. A piece much longer than the others would leave rows
  /// idle: with `cut`, pieces longer than their share total / B are cut into stretches (a later
  /// stretch starts with its true predecessor as input, but from a zero state).
  EpochBatches(const BatchSource& source, const std::vector<std::int64_t>& order, bool cut);

  /// The next batch, nothing at the end of the epoch.
  std::optional<Batch> next();
  /// Passes over `count` batches without building them.
  void skip(std::int64_t count);
  /// Number of batches in the whole epoch.
  std::int64_t count() const;

 private:
  struct Stretch {
    std::int64_t piece = -1;
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };
  struct Row {
    Stretch rest;
    bool fresh = false;
  };

  bool refill();
  void advance();
  Batch build() const;
  void fill_conditions(Batch& batch) const;
  void fill_history(Batch& batch) const;
  void fill_sources(Batch& batch) const;
  void fill_step(Batch& batch, std::int64_t t, std::int64_t b, const Row& row) const;

  std::int64_t steps_of(std::int64_t piece) const;

  BatchSource source_;
  std::vector<Stretch> stretches_;
  std::size_t next_stretch_ = 0;
  std::vector<Row> rows_;
};

/// The order of pieces in an epoch of training: a shuffle that depends on (seed, epoch) alone, in
/// which neighbours are of similar length so that rows end together.
std::vector<std::int64_t> training_order(const std::vector<Piece>& pieces, std::int64_t rows,
                                         std::uint64_t seed, std::int64_t epoch);

}  // namespace cadenza
