// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/transform.h"

namespace cadenza {

/// The search for the likeliest target of one source: at every step the `beam` likeliest
/// continuations of all hypotheses go on. With more than one, another row takes the likeliest
/// token at every step, whatever becomes of it in the beam, so that the result is never less
/// likely than the greedy target. Ties fall to the lower row, then the lower token.
class BeamSearch {
 public:
  BeamSearch(int beam, std::int32_t end_token, std::int64_t num_steps);

  /// Rows of a decoder that it moves.
  std::size_t row_count() const { return rows_.size(); }
  bool done() const { return done_; }
  /// What row i reads next: a token (-1 at the start), as the successor of row from(i).
  std::int32_t token(std::size_t i) const;
  std::int32_t from(std::size_t i) const { return rows_[i].from; }
  /// Goes one step on, unless it is done: `log_probabilities` [row_count(), end_token + 1].
  void advance(std::span<const double> log_probabilities);
  const Transformed& result() const { return best_; }

 private:
  struct Row {
    std::vector<std::int32_t> tokens;
    double log_probability = 0.0;
    std::int32_t from = 0;
    bool live = false;
  };
  struct Candidate {
    double log_probability;
    std::int32_t row;
    std::int32_t token;
  };
  std::vector<Candidate> ranked(std::span<const double> log_probabilities) const;
  void advance_beam(std::span<const double> log_probabilities);
  void advance_greedy(std::span<const double> log_probabilities);
  void propose(const Row& row, bool ended);

  std::size_t beam_;
  std::int32_t end_token_;
  std::int64_t steps_left_;
  std::vector<Row> rows_;  // the beam, then the greedy row if there is one
  Transformed best_;
  bool done_ = false;
};

}  // namespace cadenza
