// SPDX-License-Identifier: Apache-2.0
#include "tools/prepare/bars.h"

#include <algorithm>

namespace cadenza::tools {

std::vector<bool> sounding_bars(const Score& score, const std::vector<std::int64_t>& lines) {
  std::vector<int> change(lines.size() + 1, 0);
  for (const Track& track : score.tracks) {
    if (track.is_drum()) continue;
    for (const Note& note : track.notes) {
      const auto bar = [&](std::int64_t tick) {
        return std::upper_bound(lines.begin(), lines.end(), tick) - lines.begin() - 1;
      };
      const std::int64_t last = std::max(note.start, note.end - 1);
      ++change[static_cast<std::size_t>(bar(note.start))];
      --change[static_cast<std::size_t>(bar(last)) + 1];
    }
  }
  std::vector<bool> sounds;
  int sounding = 0;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    sounding += change[i];
    sounds.push_back(sounding > 0);
  }
  return sounds;
}

std::vector<BarSpan> bar_spans(const std::vector<bool>& sounds, int bars) {
  const std::size_t step = bars > 0 ? static_cast<std::size_t>(bars) : sounds.size();
  std::vector<BarSpan> spans;
  for (std::size_t i = 0; i < sounds.size(); i += step) {
    const std::size_t end = std::min(i + step, sounds.size());
    std::size_t begin = i;
    while (begin < end && !sounds[begin]) ++begin;
    if (begin < end) spans.push_back({begin, end});
  }
  return spans;
}

}  // namespace cadenza::tools
