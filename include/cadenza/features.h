// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// What a set of pieces is judged by: the nine features of Yang and Lerch, "On the evaluation of
/// generative models in music", Neural Computing and Applications 32, 2020. Percussion is left out.
/// Notes follow each other by start, then pitch, whatever their track. Where their toolbox counts
/// otherwise, the feature says so.
enum class Feature : std::uint8_t {
  pitch_count,  ///< different pitches
  /// [12] from C, shares of the time that notes sound; the toolbox also weighs by velocity.
  pitch_class_histogram,
  /// [12, 12] from row to column, shares of the pairs of successive notes; the toolbox gives
  /// counts, in which the length of the piece outweighs the rest, and of notes that nearly touch
  /// only.
  pitch_class_transitions,
  pitch_range,    ///< highest minus lowest, semitones
  mean_interval,  ///< mean of |pitch - pitch of the note before|, semitones
  note_count,
  /// Mean time between different starts of notes, seconds; in the toolbox a chord has a start a
  /// note.
  mean_inter_onset,
  /// [12] shares of the notes by the nearest of twelve lengths (`note_length_names()`); lengths are
  /// parts of a whole note, in the toolbox of a bar, which in 4/4 is the same.
  note_length_histogram,
  /// [12, 12] from row to column, shares of the pairs of successive notes; counts in the toolbox.
  note_length_transitions,
};
inline constexpr std::size_t kFeatures = 9;

struct FeatureInfo {
  Feature feature;
  std::string_view key;    ///< as in JSON: "pitch_count"
  std::string_view label;  ///< for people: "pitch count"
  std::string_view unit;   ///< of a value
  std::size_t size = 1;    ///< numbers in it
};
/// In the order of the enumeration.
std::span<const FeatureInfo, kFeatures> features();
/// "C", "C#", ... and "1", "1/2", ..., "1/8t": dots are "1/4.", triplets "1/4t".
std::span<const std::string_view, 12> pitch_class_names();
std::span<const std::string_view, 12> note_length_names();

/// The numbers of every feature of one piece.
using FeatureValues = std::array<std::vector<double>, kFeatures>;
/// ArgumentError for a piece without a note. A single note has intervals and transitions of 0.
FeatureValues measure_features(const Score& score);

}  // namespace cadenza
