// SPDX-License-Identifier: Apache-2.0
#include "music/sounding_notes.h"

#include <algorithm>

namespace cadenza {

std::vector<Note> sounding_notes(const Score& score) {
  std::vector<Note> notes;
  for (const Track& track : score.tracks) {
    if (!track.is_drum()) notes.insert(notes.end(), track.notes.begin(), track.notes.end());
  }
  std::sort(notes.begin(), notes.end());
  return notes;
}

}  // namespace cadenza
