// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cadenza/score.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Music that stands on the grid of a tokenizer note for note, so that new tokens change those
/// notes alone that they are about.
class GridPiece {
 public:
  /// ArgumentError if the tokenizer has no grid, or `score` holds a pitched note that its tokens do
  /// not: of too many at once, too high or low, too short for the grid.
  GridPiece(const Tokenizer& tokenizer, const Score& score);

  const Sequence& sequence() const { return sequence_; }
  std::int64_t steps() const;
  /// The first step at or behind a tick of the score, within 0 to steps().
  std::int64_t step_at(std::int64_t tick) const;
  /// The score with the notes that `filled`, of as many tokens, has in place of those it has not.
  /// All others, and everything else, stay as they are. New notes of a voice go to the track on
  /// which it alone plays, or to one of its name, or to a new one, as loud as its first note.
  Score with(const Sequence& filled) const;

 private:
  /// A note as tokens tell it, in steps of the piece.
  struct StepNote {
    std::size_t voice = 0;
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::uint8_t pitch = 0;
    friend auto operator<=>(const StepNote&, const StepNote&) = default;
  };
  /// Where a note stands in the score.
  struct Place {
    std::size_t track = 0;
    std::size_t note = 0;
  };
  std::vector<StepNote> notes_of(const Sequence& sequence) const;
  void find_notes();
  /// The track for new notes of a voice, added to `score` if need be; tracks of `like` are voices.
  std::size_t home_of(std::size_t voice, const Score& like, Score& score) const;

  const Tokenizer& tokenizer_;
  TokenGrid grid_;
  Score score_;
  Sequence sequence_;
  std::int64_t first_step_ = 0;  ///< of the score, at which the tokens begin
  std::vector<StepNote> notes_;  ///< sorted
  std::vector<Place> places_;    ///< of the same
};

}  // namespace cadenza
