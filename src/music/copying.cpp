// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "cadenza/metrics.h"
#include "music/runs.h"

namespace cadenza {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

using Words = std::vector<std::vector<std::uint64_t>>;

/// How many runs of `length` steps there are in `music`, and how many of them in `source` too.
struct Shared {
  std::size_t runs = 0;
  std::size_t found = 0;
};

Shared count_shared(const Words& music, const Words& source, std::size_t length) {
  // The music is the small side: the source only passes by.
  std::unordered_map<std::uint64_t, bool> in_source;
  for (const auto& words : music) {
    for (const std::uint64_t hash : run_hashes(words, length)) in_source.emplace(hash, false);
  }
  for (const auto& words : source) {
    for (const std::uint64_t hash : run_hashes(words, length)) {
      const auto run = in_source.find(hash);
      if (run != in_source.end()) run->second = true;
    }
  }
  Shared shared;
  for (const auto& words : music) {
    for (const std::uint64_t hash : run_hashes(words, length)) {
      ++shared.runs;
      if (in_source.at(hash)) ++shared.found;
    }
  }
  return shared;
}

}  // namespace

Copying measure_copying(std::span<const Sequence> music, std::span<const Piece> source,
                        int window) {
  Words ours;
  Words theirs;
  std::size_t longest_run = 0;
  for (const Sequence& sequence : music) {
    ours.push_back(words_of(sequence));
    longest_run = std::max(longest_run, ours.back().size());
  }
  for (const Piece& piece : source) theirs.push_back(words_of(piece.sequence));

  Copying copying;
  copying.window = window;
  const Shared windows = count_shared(ours, theirs, static_cast<std::size_t>(std::max(window, 1)));
  copying.share = windows.runs > 0
                      ? static_cast<double>(windows.found) / static_cast<double>(windows.runs)
                      : kNaN;
  // A shared run has shared beginnings, so the longest is found by bisection.
  std::size_t shared = 0;
  std::size_t not_shared = longest_run + 1;
  while (not_shared - shared > 1) {
    const std::size_t middle = shared + (not_shared - shared) / 2;
    (count_shared(ours, theirs, middle).found > 0 ? shared : not_shared) = middle;
  }
  copying.longest = shared;
  return copying;
}

}  // namespace cadenza
