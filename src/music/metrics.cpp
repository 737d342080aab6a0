// SPDX-License-Identifier: Apache-2.0
#include "cadenza/metrics.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <limits>

#include "cadenza/error.h"
#include "music/pitch_classes.h"
#include "music/sounding_notes.h"

namespace cadenza {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kPositions = 16;

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

/// `notes` are sorted, so silence is what lies behind all notes so far.
double empty_beats(const Score& score, const std::vector<Note>& notes) {
  const std::int64_t beat = score.ticks_per_quarter;
  check(beat > 0, "measure: ticks_per_quarter is ", beat, ", expected 1 or more");
  const std::int64_t first = notes.front().start / beat;
  std::int64_t next = first;
  std::int64_t empty = 0;
  for (const Note& note : notes) {
    empty += std::max<std::int64_t>(note.start / beat - next, 0);
    next = std::max(next, (note.end - 1) / beat + 1);
  }
  return static_cast<double>(empty) / static_cast<double>(next - first);
}

/// `notes` are sorted and not none.
double density(const Score& score, const std::vector<Note>& notes) {
  std::int64_t end = notes.front().end;
  for (const Note& note : notes) end = std::max(end, note.end);
  return static_cast<double>(notes.size()) * score.ticks_per_quarter /
         static_cast<double>(end - notes.front().start);
}

}  // namespace

double note_density(const Score& score) {
  const std::vector<Note> notes = sounding_notes(score);
  return notes.empty() ? kNaN : density(score, notes);
}

std::vector<double> pitch_class_time(const Score& score) {
  const std::vector<Note> notes = sounding_notes(score);
  return notes.empty() ? std::vector<double>() : sounding_shares(notes);
}

MusicMetrics measure(const Score& score) {
  const std::vector<Note> notes = sounding_notes(score);
  if (notes.empty()) return {0.0, 0.0, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN};
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
  metrics.empty_beat_rate = empty_beats(score, notes);
  metrics.density = density(score, notes);
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
          mean_of(&MusicMetrics::groove_consistency),
          mean_of(&MusicMetrics::empty_beat_rate),
          mean_of(&MusicMetrics::density)};
}

}  // namespace cadenza
