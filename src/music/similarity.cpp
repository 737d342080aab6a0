// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <unordered_map>

#include "cadenza/judgement.h"
#include "music/note_length.h"
#include "music/runs.h"
#include "music/sounding_notes.h"

namespace cadenza {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// For each run the pieces that have it, ascending.
using Index = std::unordered_map<std::uint64_t, std::vector<std::size_t>>;

std::vector<std::uint64_t> runs_of(const Sequence& sequence, int window) {
  return run_hashes(words_of(sequence), static_cast<std::size_t>(std::max(window, 1)));
}

Index index_runs(std::span<const Sequence> source, int window) {
  Index index;
  for (std::size_t i = 0; i < source.size(); ++i) {
    for (const std::uint64_t run : runs_of(source[i], window)) {
      std::vector<std::size_t>& pieces = index[run];
      if (pieces.empty() || pieces.back() != i) pieces.push_back(i);
    }
  }
  return index;
}

/// The largest share of `runs` in one of `pieces` pieces but `own`.
double highest_share(const std::vector<std::uint64_t>& runs, const Index& index, std::size_t pieces,
                     std::size_t own) {
  std::vector<std::size_t> shared(pieces);
  for (const std::uint64_t run : runs) {
    const auto found = index.find(run);
    if (found == index.end()) continue;
    for (const std::size_t piece : found->second) ++shared[piece];
  }
  if (own < pieces) shared[own] = 0;
  const std::size_t most = *std::max_element(shared.begin(), shared.end());
  return static_cast<double>(most) / static_cast<double>(runs.size());
}

enum class Source { other, same };

double mean_highest_share(std::span<const Sequence> music, std::span<const Sequence> source,
                          int window, Source relation) {
  const Index index = index_runs(source, window);
  double sum = 0.0;
  double count = 0.0;
  for (std::size_t i = 0; i < music.size(); ++i) {
    const std::vector<std::uint64_t> runs = runs_of(music[i], window);
    if (runs.empty()) continue;
    sum += highest_share(runs, index, source.size(), relation == Source::same ? i : source.size());
    count += 1.0;
  }
  return count > 0.0 ? sum / count : kNaN;
}

}  // namespace

Sequence note_steps(const Score& score) {
  constexpr std::int32_t kLengths = 12;
  constexpr std::int32_t kLowestInterval = -127;
  const std::vector<Note> notes = sounding_notes(score);
  Sequence steps;
  for (std::size_t i = 1; i < notes.size(); ++i) {
    const std::int32_t interval = notes[i].pitch - notes[i - 1].pitch - kLowestInterval;
    const std::size_t length = note_length_class(notes[i], score.ticks_per_quarter);
    steps.tokens.push_back(interval * kLengths + static_cast<std::int32_t>(length));
  }
  return steps;
}

double nearest_similarity(std::span<const Sequence> music, std::span<const Sequence> source,
                          int window) {
  return source.empty() ? kNaN : mean_highest_share(music, source, window, Source::other);
}

double self_similarity(std::span<const Sequence> music, int window) {
  return music.size() < 2 ? kNaN : mean_highest_share(music, music, window, Source::same);
}

}  // namespace cadenza
