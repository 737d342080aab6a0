// SPDX-License-Identifier: Apache-2.0
#include "cadenza/features.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <cstdlib>

#include "cadenza/error.h"
#include "music/note_length.h"
#include "music/sounding_notes.h"

namespace cadenza {
namespace {

constexpr std::size_t kClasses = 12;

constexpr std::array<FeatureInfo, kFeatures> kInfo = {{
    {Feature::pitch_count, "pitch_count", "pitch count", "pitches", 1},
    {Feature::pitch_class_histogram, "pitch_class_histogram", "pitch-class histogram",
     "share of the sounding time", kClasses},
    {Feature::pitch_class_transitions, "pitch_class_transitions", "pitch-class transitions",
     "share of the pairs", kClasses* kClasses},
    {Feature::pitch_range, "pitch_range", "pitch range", "semitones", 1},
    {Feature::mean_interval, "mean_interval", "mean interval", "semitones", 1},
    {Feature::note_count, "note_count", "note count", "notes", 1},
    {Feature::mean_inter_onset, "mean_inter_onset", "mean inter-onset", "seconds", 1},
    {Feature::note_length_histogram, "note_length_histogram", "note-length histogram",
     "share of the notes", kClasses},
    {Feature::note_length_transitions, "note_length_transitions", "note-length transitions",
     "share of the pairs", kClasses* kClasses},
}};

constexpr std::array<std::string_view, kClasses> kPitchClassNames = {
    "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"};
constexpr std::array<std::string_view, kClasses> kNoteLengthNames = {
    "1", "1/2", "1/4", "1/8", "1/16", "1/2.", "1/4.", "1/8.", "1/16.", "1/2t", "1/4t", "1/8t"};

std::vector<double> class_shares(const std::vector<std::size_t>& classes) {
  std::vector<double> counts(kClasses);
  for (const std::size_t one : classes) counts[one] += 1.0;
  return shares(counts);
}

std::vector<double> transition_shares(const std::vector<std::size_t>& classes) {
  std::vector<double> counts(kClasses * kClasses);
  for (std::size_t i = 1; i < classes.size(); ++i) {
    counts[classes[i - 1] * kClasses + classes[i]] += 1.0;
  }
  return shares(counts);
}

double mean_interval(const std::vector<Note>& notes) {
  if (notes.size() < 2) return 0.0;
  double sum = 0.0;
  for (std::size_t i = 1; i < notes.size(); ++i) {
    sum += std::abs(notes[i].pitch - notes[i - 1].pitch);
  }
  return sum / static_cast<double>(notes.size() - 1);
}

double mean_inter_onset(const Score& score, const std::vector<Note>& notes) {
  double starts = 1.0;
  for (std::size_t i = 1; i < notes.size(); ++i) {
    if (notes[i].start != notes[i - 1].start) starts += 1.0;
  }
  if (starts == 1.0) return 0.0;
  const TempoMap tempo(score);
  return (tempo.seconds(notes.back().start) - tempo.seconds(notes.front().start)) / (starts - 1.0);
}

}  // namespace

std::span<const FeatureInfo, kFeatures> features() { return kInfo; }
std::span<const std::string_view, 12> pitch_class_names() { return kPitchClassNames; }
std::span<const std::string_view, 12> note_length_names() { return kNoteLengthNames; }

FeatureValues measure_features(const Score& score) {
  const std::vector<Note> notes = sounding_notes(score);
  check(!notes.empty(), "measure_features: the piece has no note");
  std::bitset<128> used;
  std::vector<std::size_t> pitch_classes;
  std::vector<std::size_t> lengths;
  for (const Note& note : notes) {
    used.set(note.pitch & 127U);
    pitch_classes.push_back(note.pitch % kClasses);
    lengths.push_back(note_length_class(note, score.ticks_per_quarter));
  }
  const auto [low, high] = std::minmax_element(
      notes.begin(), notes.end(), [](const Note& a, const Note& b) { return a.pitch < b.pitch; });
  return {{{static_cast<double>(used.count())},
           sounding_shares(notes),
           transition_shares(pitch_classes),
           {static_cast<double>(high->pitch - low->pitch)},
           {mean_interval(notes)},
           {static_cast<double>(notes.size())},
           {mean_inter_onset(score, notes)},
           class_shares(lengths),
           transition_shares(lengths)}};
}

}  // namespace cadenza
