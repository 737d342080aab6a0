// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <limits>
#include <span>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// A note as four numbers, without a grid: what continuous models of music write.
struct NoteEvent {
  double pitch = 60.0;     ///< MIDI pitch
  double duration = 1.0;   ///< quarters
  double velocity = 64.0;  ///< 1 to 127
  double since = 0.0;      ///< quarters from the start of the note before; of the first from the
                           ///< start of the piece

  friend bool operator==(const NoteEvent&, const NoteEvent&) = default;
};

/// The notes of all tracks but percussion by start and pitch.
std::vector<NoteEvent> note_events(const Score& score);
/// How events become music.
struct EventScoring {
  double qpm = 120.0;  ///< quarters a minute
  /// So many positions a quarter: notes start at the nearest and last for one or more; 0: no grid.
  int grid = 0;
  /// Notes that start later are left out, those that sound then end.
  double quarters = std::numeric_limits<double>::infinity();
};
/// The music of events on one track. Total: pitches and velocities are rounded and brought into 0
/// to 127 and 1 to 127, durations into a 32nd to 16 quarters, times since the note before into 0 to
/// 16 quarters; what is not a number counts as 0. A key struck while it sounds ends there.
Score score_of_events(std::span<const NoteEvent> events, const EventScoring& scoring = {});

/// An event as numbers of the size of 1: pitch about E4 in 32 semitones, the logarithm of the
/// duration in steps of four times as long, velocity about 64 in 32, and the same logarithm of the
/// time since the note before and an eighth.
std::array<float, 4> to_numbers(const NoteEvent& event);
NoteEvent to_event(const std::array<float, 4>& numbers);

}  // namespace cadenza
