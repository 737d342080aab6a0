// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/sampling.h"
#include "cadenza/tape.h"

namespace cadenza {

/// One token a row, step after step, all rows by the same rules. What the draws need besides
/// logits lies in the arena of a tape in f32, which must outlive this.
class TokenDraws {
 public:
  struct Rows {
    std::uint64_t seed = 0;
    std::int64_t first = 0;  ///< sequence number of row 0; those of the others follow
    std::int64_t count = 0;
  };
  TokenDraws(Tape& tape, const SamplingParams& sampling, const Rows& rows);

  /// Draws step `step` of every row; `what` says from which logits and where to, its rows and
  /// status are filled in here.
  void draw(SampleTokensArgs what, std::int64_t step);

 private:
  Tape& tape_;
  Rows rows_;
  TensorView params_, sequences_, status_;
};

}  // namespace cadenza
