// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cadenza/score.h"
#include "cadenza/tokenizer.h"

namespace cadenza::test {

/// A score with 4 ticks a quarter, so that a tick is a sixteenth, and a track for each list.
inline Score sixteenths(std::vector<std::vector<Note>> tracks) {
  Score score;
  score.ticks_per_quarter = 4;
  for (std::vector<Note>& notes : tracks) {
    Track& track = score.tracks.emplace_back();
    track.channel = static_cast<std::uint8_t>(score.tracks.size() - 1);
    std::sort(notes.begin(), notes.end());
    track.notes = std::move(notes);
  }
  return score;
}

inline Note note(std::int64_t start, std::int64_t end, int pitch, int velocity = 80) {
  return {start, end, static_cast<std::uint8_t>(pitch), static_cast<std::uint8_t>(velocity)};
}

/// The notes of all tracks of a decoded score in steps of `ticks`.
inline std::vector<Note> in_steps(const Score& score, std::int64_t ticks) {
  std::vector<Note> notes;
  for (const Track& track : score.tracks) {
    for (const Note& n : track.notes) {
      notes.push_back({n.start / ticks, n.end / ticks, n.pitch, n.velocity});
    }
  }
  std::sort(notes.begin(), notes.end());
  return notes;
}

/// Ticks of a sixteenth in scores decoded from a grid.
inline constexpr std::int64_t kSixteenth = 120;

}  // namespace cadenza::test
