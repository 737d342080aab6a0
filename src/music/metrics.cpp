// SPDX-License-Identifier: Apache-2.0
#include "cadenza/metrics.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace cadenza {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kPitchClasses = 12;
constexpr std::int64_t kPositions = 16;

std::vector<Note> sounding_notes(const Score& score) {
  std::vector<Note> notes;
  for (const Track& track : score.tracks) {
    if (!track.is_drum()) notes.insert(notes.end(), track.notes.begin(), track.notes.end());
  }
  std::sort(notes.begin(), notes.end());
  return notes;
}

std::array<double, kPitchClasses> pitch_class_shares(const std::vector<Note>& notes) {
  std::array<double, kPitchClasses> shares = {};
  for (const Note& note : notes) shares[note.pitch % kPitchClasses] += 1.0;
  for (double& share : shares) share /= static_cast<double>(notes.size());
  return shares;
}

double entropy(const std::array<double, kPitchClasses>& shares) {
  double bits = 0.0;
  for (const double share : shares) {
    if (share > 0.0) bits -= share * std::log2(share);
  }
  return bits;
}

/// A minor scale has the keys of a major one, so twelve scales are all.
double best_scale(const std::array<double, kPitchClasses>& shares) {
  static constexpr std::array<std::size_t, 7> kMajor = {0, 2, 4, 5, 7, 9, 11};
  double best = 0.0;
  for (std::size_t root = 0; root < kPitchClasses; ++root) {
    double inside = 0.0;
    for (const std::size_t step : kMajor) inside += shares[(root + step) % kPitchClasses];
    best = std::max(best, inside);
  }
  return best;
}

/// Fills the two polyphony figures by walking over all starts and ends.
void measure_polyphony(const std::vector<Note>& notes, MusicMetrics& metrics) {
  struct Edge {
    std::int64_t tick;
    int pitch;
    int change;
  };
  std::vector<Edge> edges;
  std::int64_t end = 0;
  for (const Note& note : notes) {
    edges.push_back({note.start, note.pitch, 1});
    edges.push_back({note.end, note.pitch, -1});
    end = std::max(end, note.end);
  }
  std::sort(edges.begin(), edges.end(),
            [](const Edge& a, const Edge& b) { return a.tick < b.tick; });
  std::array<int, 128> sounding = {};
  int keys = 0;
  double key_ticks = 0.0;
  double any_ticks = 0.0;
  double many_ticks = 0.0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    int& count = sounding[static_cast<std::size_t>(edges[i].pitch)];
    const bool before = count > 0;
    count += edges[i].change;
    keys += (count > 0 ? 1 : 0) - (before ? 1 : 0);
    if (i + 1 == edges.size() || keys == 0) continue;
    const auto length = static_cast<double>(edges[i + 1].tick - edges[i].tick);
    key_ticks += keys * length;
    any_ticks += length;
    if (keys >= 2) many_ticks += length;
  }
  metrics.polyphony = key_ticks / any_ticks;
  metrics.polyphony_rate = many_ticks / static_cast<double>(end);
}

/// Onset patterns of the bars between the first and the last note.
std::vector<std::bitset<kPositions>> bar_patterns(const Score& score,
                                                  const std::vector<Note>& notes) {
  const TimeSignature metre =
      score.time_signatures.empty() ? TimeSignature{} : score.time_signatures.front();
  const std::int64_t bar =
      std::int64_t{4} * score.ticks_per_quarter * metre.numerator / metre.denominator;
  std::vector<std::bitset<kPositions>> patterns;
  if (bar <= 0) return patterns;
  const std::int64_t first = notes.front().start / bar;
  for (const Note& note : notes) {
    const auto index = static_cast<std::size_t>(note.start / bar - first);
    // A bar of silence costs nothing to compare with another; years of it are no music.
    if (index >= (std::size_t{1} << 20)) break;
    if (index >= patterns.size()) patterns.resize(index + 1);
    patterns[index].set(static_cast<std::size_t>(note.start % bar * kPositions / bar));
  }
  return patterns;
}

double groove(const Score& score, const std::vector<Note>& notes) {
  const std::vector<std::bitset<kPositions>> bars = bar_patterns(score, notes);
  if (bars.size() < 2) return kNaN;
  std::size_t differing = 0;
  for (std::size_t i = 0; i + 1 < bars.size(); ++i) differing += (bars[i] ^ bars[i + 1]).count();
  return 1.0 - static_cast<double>(differing) / static_cast<double>(kPositions * (bars.size() - 1));
}

/// Steps of a sequence as words that can be hashed and compared.
std::vector<std::uint64_t> words_of(const Sequence& sequence) {
  std::vector<std::uint64_t> words;
  words.reserve(sequence.size());
  for (const std::int32_t token : sequence.tokens)
    words.push_back(static_cast<std::uint32_t>(token));
  for (const Frame& frame : sequence.frames) words.push_back(std::hash<Frame>()(frame));
  return words;
}

/// Hashes of every run of `length` words, by a polynomial modulo 2^64 over scrambled words.
std::vector<std::uint64_t> run_hashes(const std::vector<std::uint64_t>& words, std::size_t length) {
  constexpr std::uint64_t kBase = 0x9e3779b97f4a7c15ULL | 1U;
  const auto scramble = [](std::uint64_t word) {
    word = (word ^ (word >> 31)) * 0xd6e8feb86659fd93ULL;
    return (word ^ (word >> 32)) | 1U;
  };
  std::vector<std::uint64_t> hashes;
  if (words.size() < length) return hashes;
  std::uint64_t leaving = 1;
  for (std::size_t i = 0; i < length; ++i) leaving *= kBase;
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    hash = hash * kBase + scramble(words[i]);
    if (i >= length) hash -= leaving * scramble(words[i - length]);
    if (i + 1 >= length) hashes.push_back(hash);
  }
  return hashes;
}

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

MusicMetrics measure(const Score& score) {
  const std::vector<Note> notes = sounding_notes(score);
  if (notes.empty()) return {0.0, 0.0, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN};
  MusicMetrics metrics;
  std::bitset<128> used;
  for (const Note& note : notes) used.set(note.pitch & 127U);
  const auto [low, high] = std::minmax_element(
      notes.begin(), notes.end(), [](const Note& a, const Note& b) { return a.pitch < b.pitch; });
  const auto shares = pitch_class_shares(notes);
  metrics.notes = static_cast<double>(notes.size());
  metrics.pitches = static_cast<double>(used.count());
  metrics.pitch_range = high->pitch - low->pitch;
  metrics.pitch_class_entropy = entropy(shares);
  metrics.scale_consistency = best_scale(shares);
  measure_polyphony(notes, metrics);
  metrics.groove_consistency = groove(score, notes);
  return metrics;
}

MusicMetrics mean(std::span<const MusicMetrics> metrics) {
  const auto mean_of = [&](double MusicMetrics::*figure) {
    double sum = 0.0;
    double count = 0.0;
    for (const MusicMetrics& one : metrics) {
      if (std::isnan(one.*figure)) continue;
      sum += one.*figure;
      count += 1.0;
    }
    return count > 0.0 ? sum / count : kNaN;
  };
  return {mean_of(&MusicMetrics::notes),
          mean_of(&MusicMetrics::pitches),
          mean_of(&MusicMetrics::pitch_range),
          mean_of(&MusicMetrics::pitch_class_entropy),
          mean_of(&MusicMetrics::scale_consistency),
          mean_of(&MusicMetrics::polyphony),
          mean_of(&MusicMetrics::polyphony_rate),
          mean_of(&MusicMetrics::groove_consistency)};
}

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
