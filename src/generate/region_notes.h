// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/score.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Ticks [begin, end) of a score.
struct TickSpan {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool contains(std::int64_t tick) const { return tick >= begin && tick < end; }
};

/// Music that a tokenizer wrote, in the time of the score that it belongs to.
class PlacedMusic {
 public:
  /// `decoded` begins at a tick of the score.
  PlacedMusic(Score decoded, const Score& score, std::int64_t start);
  /// `decoded` begins with notes of the score: its first one is the first there of the same name.
  PlacedMusic(Score decoded, const Score& score);

  const Score& score() const { return placed_; }
  /// Notes that start before `tick`.
  std::size_t notes_before(std::int64_t tick) const;
  bool has_notes_from(std::int64_t tick) const { return notes_before(tick) < placed_.note_count(); }

 private:
  Score placed_;
};

enum class Drums { kept, replaced };
/// `score` without the notes that lie wholly in the region, and with those of `music` that start in
/// it: pitched ones in its first pitched track, drums in its first drum track (a new one if there
/// is none). New notes end in the region and leave alone keys that are held there.
Score with_region(const Score& score, const TickSpan& region, const Score& music, Drums drums);

}  // namespace cadenza
