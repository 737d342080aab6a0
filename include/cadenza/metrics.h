// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/score.h"

namespace cadenza {

/// Plain figures of a piece, percussion left out, after the definitions that MusPy made common
/// (except where said). NaN where a piece has too little music for a figure.
struct MusicMetrics {
  double notes = 0.0;
  double pitches = 0.0;              ///< different pitches used
  double pitch_range = 0.0;          ///< highest minus lowest, semitones
  double pitch_class_entropy = 0.0;  ///< of the notes' pitch classes, bits; at most log2(12)
  double scale_consistency = 0.0;    ///< share of notes in the best of the major and minor scales
  double polyphony = 0.0;            ///< mean number of keys down while any is down
  double polyphony_rate = 0.0;       ///< share of the piece's time with two keys down or more
  /// One minus the mean share of the 16 onset positions of a bar that differ from the next bar.
  /// Bars run from the first to the last note's bar; no bar is added behind them.
  double groove_consistency = 0.0;
  /// Share of the quarter-note beats from the first to the last note in which no key is down.
  double empty_beat_rate = 0.0;
  double density = 0.0;  ///< note_density()
};

/// Notes a quarter from the first start to the last end, percussion left out; NaN without a note.
double note_density(const Score& score);
/// [12] shares of the time for which each pitch class from C sounds, percussion left out; empty
/// without a note.
std::vector<double> pitch_class_time(const Score& score);
/// Measures one piece.
MusicMetrics measure(const Score& score);
/// Means over pieces of each figure, those that are NaN left out.
MusicMetrics mean(std::span<const MusicMetrics> metrics);

/// How much of its content a piece keeps in another, whatever the rhythm, tempo and metre, as in
/// work on style transfer (Lu and Su 2018; Cifka et al. 2020): the mean, over half bars in which
/// one of the two sounds, of the cosine between how long each pitch class sounds in either; 0 where
/// one is silent. Bar k of one is held against bar k of the other. NaN for pieces without notes.
double chroma_similarity(const Score& a, const Score& b);

/// How much of some music is taken over from other music, step by step.
struct Copying {
  std::size_t longest = 0;  ///< steps of the longest run that stands in the other music too
  double share = 0.0;       ///< share of the windows of `window` steps that do; NaN without windows
  int window = 0;
};

/// Compares the steps of `music` with those of `source`; runs never cross from piece to piece.
Copying measure_copying(std::span<const Sequence> music, std::span<const Piece> source,
                        int window = 16);

}  // namespace cadenza
