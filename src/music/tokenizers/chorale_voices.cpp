// SPDX-License-Identifier: Apache-2.0
#include "music/tokenizers/chorale_voices.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "cadenza/error.h"
#include "music/tokenizers/notes.h"
#include "music/tokenizers/skyline.h"

namespace cadenza {
namespace {

double mean_pitch(const std::vector<Note>& line) {
  double pitch_steps = 0;
  double steps = 0;
  for (const Note& note : line) {
    const auto length = static_cast<double>(note.end - note.start);
    pitch_steps += note.pitch * length;
    steps += length;
  }
  return pitch_steps / steps;
}

bool has_name(const Track& track, std::string_view name) {
  return std::equal(track.name.begin(), track.name.end(), name.begin(), name.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

/// The tracks that carry the four names, if each name is there; one may be empty.
std::optional<ChoraleLines> voices_by_name(const Score& grid) {
  ChoraleLines lines;
  for (std::size_t voice = 0; voice < kChoraleVoices; ++voice) {
    const auto found =
        std::find_if(grid.tracks.begin(), grid.tracks.end(), [&](const Track& track) {
          return !track.is_drum() && has_name(track, kChoraleNames[voice]);
        });
    if (found == grid.tracks.end()) return std::nullopt;
    lines[voice] = skyline(found->notes);
  }
  return lines;
}

/// Gives notes that start together, highest first, to voices that are free at that step: in order
/// of pitch, with as little movement as possible.
class VoiceLeader {
 public:
  ChoraleLines lines;

  void add(const std::vector<Note>& onset) {
    unsigned best = 0;
    int least = std::numeric_limits<int>::max();
    for (unsigned choice = 0; choice < 1U << kChoraleVoices; ++choice) {
      const std::optional<int> cost = movement(onset, choice);
      if (cost && *cost < least) {
        least = *cost;
        best = choice;
      }
    }
    std::size_t next = 0;
    for (std::size_t voice = 0; voice < kChoraleVoices; ++voice) {
      if ((best >> voice & 1U) != 0) {
        last_[voice] = onset[next].pitch;
        lines[voice].push_back(onset[next++]);
      }
    }
  }

 private:
  std::optional<int> movement(const std::vector<Note>& onset, unsigned choice) const {
    std::size_t next = 0;
    int cost = 0;
    for (std::size_t voice = 0; voice < kChoraleVoices; ++voice) {
      if ((choice >> voice & 1U) == 0) continue;
      const bool busy = !lines[voice].empty() && lines[voice].back().end > onset.front().start;
      if (next == onset.size() || busy) return std::nullopt;
      cost += std::abs(onset[next++].pitch - last_[voice]);
    }
    return next == onset.size() ? std::optional<int>(cost) : std::nullopt;
  }

  std::array<int, kChoraleVoices> last_ = {72, 65, 58, 48};  // usual middles of the ranges
};

std::optional<ChoraleLines> split_by_pitch(std::vector<Note> notes, VoiceNeed need,
                                           std::string* reason) {
  cut_overlaps(notes);
  std::int64_t end = 0;
  for (const Note& note : notes) end = std::max(end, note.end);
  std::vector<std::size_t> sounding(static_cast<std::size_t>(end), 0);
  for (const Note& note : notes) {
    for (auto step = note.start; step < note.end; ++step)
      ++sounding[static_cast<std::size_t>(step)];
  }
  const std::size_t most = *std::max_element(sounding.begin(), sounding.end());
  const auto full = std::count_if(sounding.begin(), sounding.end(),
                                  [](std::size_t n) { return n + 1 >= kChoraleVoices; });
  const auto any =
      std::count_if(sounding.begin(), sounding.end(), [](std::size_t n) { return n > 0; });
  if (most > kChoraleVoices || (need == VoiceNeed::mostly_four && 2 * full < any)) {
    give_reason(reason, message("expected four voices, got up to ", most,
                                " notes at once, and three or four of them in ", full, " of ", any,
                                " sixteenths"));
    return std::nullopt;
  }
  VoiceLeader leader;
  for (std::size_t i = 0; i < notes.size();) {
    std::vector<Note> onset;
    const std::int64_t start = notes[i].start;
    for (; i < notes.size() && notes[i].start == start; ++i) onset.push_back(notes[i]);
    std::reverse(onset.begin(), onset.end());
    leader.add(onset);
  }
  return std::move(leader.lines);
}

}  // namespace

std::optional<ChoraleLines> chorale_voices(const Score& grid, VoiceNeed need, std::string* reason) {
  if (std::optional<ChoraleLines> named = voices_by_name(grid)) return named;
  std::vector<std::vector<Note>> lines;
  for (const Track& track : grid.tracks) {
    if (!track.is_drum() && !track.notes.empty()) lines.push_back(skyline(track.notes));
  }
  if (lines.size() != kChoraleVoices) {
    return split_by_pitch(merged_notes(grid, Voices::pitched), need, reason);
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return mean_pitch(a) > mean_pitch(b); });
  ChoraleLines voices;
  std::move(lines.begin(), lines.end(), voices.begin());
  return voices;
}

}  // namespace cadenza
