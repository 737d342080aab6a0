// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

#include "cadenza/score.h"

namespace cadenza::test {

/// A score of one track.
inline Score score_of(std::vector<Note> notes, std::uint8_t channel = 0) {
  Track track;
  track.channel = channel;
  track.notes = std::move(notes);
  Score score;
  score.tracks.push_back(std::move(track));
  return score;
}

/// Quarter notes of these pitches one after another.
inline Score quarters(const std::vector<int>& pitches) {
  std::vector<Note> notes;
  for (std::size_t i = 0; i < pitches.size(); ++i) {
    const auto start = static_cast<std::int64_t>(i) * 480;
    notes.push_back({start, start + 480, static_cast<std::uint8_t>(pitches[i]), 64});
  }
  return score_of(std::move(notes));
}

}  // namespace cadenza::test
