// SPDX-License-Identifier: Apache-2.0
#include "music/tokenizers/skyline.h"

#include <algorithm>

namespace cadenza {
namespace {

bool is_chordal(const std::vector<Note>& notes) {
  std::size_t onsets = 0;
  std::size_t chords = 0;
  for (std::size_t i = 0; i < notes.size();) {
    std::size_t j = i;
    bool several = false;
    for (; j < notes.size() && notes[j].start == notes[i].start; ++j) {
      several = several || notes[j].pitch != notes[i].pitch;
    }
    ++onsets;
    chords += several ? 1 : 0;
    i = j;
  }
  return 2 * chords > onsets;
}

}  // namespace

std::vector<Note> skyline(const std::vector<Note>& notes) {
  std::vector<Note> line;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    // Sorted by pitch, then end within an onset: its last note is the highest and longest.
    if (i + 1 < notes.size() && notes[i + 1].start == notes[i].start) continue;
    const Note& top = notes[i];
    if (!line.empty()) {
      Note& before = line.back();
      if (top.pitch < before.pitch && top.end <= before.end) continue;
      before.end = std::min(before.end, top.start);
    }
    line.push_back(top);
  }
  return line;
}

std::vector<std::vector<Note>> melodic_lines(const Score& grid) {
  std::vector<std::vector<Note>> single;
  std::vector<std::vector<Note>> chordal;
  for (const Track& track : grid.tracks) {
    if (track.is_drum() || track.notes.empty()) continue;
    (is_chordal(track.notes) ? chordal : single).push_back(skyline(track.notes));
  }
  return single.empty() ? chordal : single;
}

std::vector<std::vector<Note>> split_at_rests(const std::vector<Note>& line, std::int64_t gap) {
  std::vector<std::vector<Note>> parts;
  for (const Note& note : line) {
    if (parts.empty() || note.start - parts.back().back().end >= gap) parts.emplace_back();
    parts.back().push_back(note);
  }
  return parts;
}

}  // namespace cadenza
