// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/song.h"

#include <algorithm>
#include <utility>

namespace cadenza::tools {

Song::Song(const Score& frame) : score_(frame) { score_.tracks.clear(); }

/// The channel of `like`, or the next one that no other role plays on.
std::uint8_t Song::free_channel(const Track& like, const std::string& role) const {
  constexpr int kChannels = 16;
  if (like.is_drum()) return like.channel;
  const auto taken = [&](int channel) {
    return std::any_of(tracks_.begin(), tracks_.end(), [&](const auto& entry) {
      return entry.first != role &&
             std::any_of(entry.second.begin(), entry.second.end(),
                         [&](std::size_t i) { return score_.tracks[i].channel == channel; });
    });
  };
  for (int i = 0; i < kChannels; ++i) {
    Track moved = like;
    moved.channel = static_cast<std::uint8_t>((like.channel + i) % kChannels);
    if (!moved.is_drum() && !taken(moved.channel)) return moved.channel;
  }
  return like.channel;
}

void Song::add(const std::string& role, const Score& part, std::int64_t start) {
  const auto tick = [&](std::int64_t t) {
    return start + t * score_.ticks_per_quarter / part.ticks_per_quarter;
  };
  std::vector<std::size_t>& mine = tracks_[role];
  for (std::size_t k = 0; k < part.tracks.size(); ++k) {
    const Track& track = part.tracks[k];
    if (k == mine.size()) {
      Track added = track;
      added.notes.clear();
      added.pedal.clear();
      added.channel = free_channel(track, role);
      mine.push_back(score_.tracks.size());
      score_.tracks.push_back(std::move(added));
    }
    std::vector<Note>& notes = score_.tracks[mine[k]].notes;
    for (Note note : track.notes) {
      note.start = tick(note.start);
      note.end = std::max(note.start + 1, tick(note.end));
      notes.push_back(note);
    }
  }
}

Score Song::finish() {
  for (Track& track : score_.tracks) std::sort(track.notes.begin(), track.notes.end());
  return std::move(score_);
}

}  // namespace cadenza::tools
