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

std::vector<double> sounding_shares(const std::vector<Note>& notes) {
  constexpr std::size_t kClasses = 12;
  std::vector<double> ticks(kClasses);
  for (const Note& note : notes) {
    ticks[note.pitch % kClasses] += static_cast<double>(note.end - note.start);
  }
  return shares(ticks);
}

std::vector<double> shares(std::vector<double> counts) {
  double sum = 0.0;
  for (const double count : counts) sum += count;
  if (sum > 0.0) {
    for (double& count : counts) count /= sum;
  }
  return counts;
}

}  // namespace cadenza
