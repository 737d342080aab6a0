// SPDX-License-Identifier: Apache-2.0
#include "generate/region_notes.h"

#include <algorithm>
#include <optional>

#include "cadenza/error.h"

namespace cadenza {
namespace {

std::optional<Note> first_note(const Score& score, std::optional<int> pitch_class = {}) {
  std::optional<Note> first;
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      if (pitch_class && note.pitch % 12 != *pitch_class) continue;
      if (!first || note < *first) first = note;
    }
  }
  return first;
}

/// Ticks of one score as those of another.
std::int64_t rescaled(std::int64_t tick, const Score& from, const Score& to) {
  return (tick * to.ticks_per_quarter + from.ticks_per_quarter / 2) / from.ticks_per_quarter;
}

std::int64_t start_of(const Score& decoded, const Score& score) {
  const std::optional<Note> mine = first_note(decoded);
  if (!mine) return 0;
  const std::optional<Note> theirs = first_note(score, mine->pitch % 12);
  return theirs ? theirs->start - rescaled(mine->start, decoded, score) : 0;
}

std::size_t track_for(Score& score, const Track& like) {
  for (std::size_t t = 0; t < score.tracks.size(); ++t) {
    if (score.tracks[t].is_drum() == like.is_drum()) return t;
  }
  Track added = like;
  added.notes.clear();
  score.tracks.push_back(std::move(added));
  return score.tracks.size() - 1;
}

}  // namespace

PlacedMusic::PlacedMusic(Score decoded, const Score& score, std::int64_t start)
    : placed_(std::move(decoded)) {
  for (Track& track : placed_.tracks) {
    for (Note& note : track.notes) {
      note.start = start + rescaled(note.start, placed_, score);
      note.end = std::max(note.start + 1, start + rescaled(note.end, placed_, score));
    }
  }
  placed_.ticks_per_quarter = score.ticks_per_quarter;
}

PlacedMusic::PlacedMusic(Score decoded, const Score& score)
    : PlacedMusic(decoded, score, start_of(decoded, score)) {}

std::size_t PlacedMusic::notes_before(std::int64_t tick) const {
  std::size_t count = 0;
  for (const Track& track : placed_.tracks) {
    count += static_cast<std::size_t>(
        std::count_if(track.notes.begin(), track.notes.end(),
                      [&](const Note& note) { return note.start < tick; }));
  }
  return count;
}

Score with_region(const Score& score, const TickSpan& region, const Score& music, Drums drums) {
  Score result = score;
  for (Track& track : result.tracks) {
    if (track.is_drum() && drums == Drums::kept) continue;
    std::erase_if(track.notes, [&](const Note& note) {
      return note.start >= region.begin && note.end <= region.end;
    });
  }
  for (const Track& track : music.tracks) {
    if (track.is_drum() && drums == Drums::kept) continue;
    std::vector<Note> added;
    std::vector<Note>* notes = nullptr;
    for (Note note : track.notes) {
      if (!region.contains(note.start)) continue;
      if (notes == nullptr) notes = &result.tracks[track_for(result, track)].notes;
      note.end = std::min(note.end, region.end);
      const bool held = std::any_of(notes->begin(), notes->end(), [&](const Note& other) {
        return other.pitch == note.pitch && other.start < note.end && other.end > note.start;
      });
      if (!held) added.push_back(note);
    }
    if (notes == nullptr) continue;
    notes->insert(notes->end(), added.begin(), added.end());
    std::sort(notes->begin(), notes->end());
  }
  return result;
}

}  // namespace cadenza
