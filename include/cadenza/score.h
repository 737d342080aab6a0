// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace cadenza {

/// One sounding note. Times are in ticks from the start of the piece; `end > start`.
struct Note {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::uint8_t pitch = 60;     ///< MIDI key 0..127, 60 = middle C
  std::uint8_t velocity = 64;  ///< 1..127

  friend bool operator==(const Note&, const Note&) = default;
  /// By start, pitch, end, velocity.
  friend std::strong_ordering operator<=>(const Note& a, const Note& b) {
    if (const auto order = a.start <=> b.start; order != 0) return order;
    if (const auto order = a.pitch <=> b.pitch; order != 0) return order;
    if (const auto order = a.end <=> b.end; order != 0) return order;
    return a.velocity <=> b.velocity;
  }
};

/// The sustain pedal (controller 64) went down or up.
struct PedalEvent {
  std::int64_t tick = 0;
  bool down = false;

  friend bool operator==(const PedalEvent&, const PedalEvent&) = default;
};

/// Notes of one instrument: one (track, channel, program) of a MIDI file.
struct Track {
  std::string name;          ///< UTF-8
  std::uint8_t channel = 0;  ///< 0..15; 9 is percussion
  std::uint8_t program = 0;  ///< General MIDI program 0..127
  std::vector<Note> notes;   ///< sorted by (start, pitch, end, velocity)
  std::vector<PedalEvent> pedal;

  bool is_drum() const { return channel == 9; }
  friend bool operator==(const Track&, const Track&) = default;
};

struct Tempo {
  std::int64_t tick = 0;
  std::uint32_t microseconds_per_quarter = 500000;

  friend bool operator==(const Tempo&, const Tempo&) = default;
};

struct TimeSignature {
  std::int64_t tick = 0;
  int numerator = 4;
  int denominator = 4;  ///< a power of two

  friend bool operator==(const TimeSignature&, const TimeSignature&) = default;
};

struct KeySignature {
  std::int64_t tick = 0;
  int sharps = 0;  ///< -7 (seven flats) .. 7 (seven sharps)
  bool minor = false;

  friend bool operator==(const KeySignature&, const KeySignature&) = default;
};

/// A piece of music, independent of any file. Every list is sorted by tick.
struct Score {
  int ticks_per_quarter = 480;
  std::vector<Track> tracks;
  std::vector<Tempo> tempos;                   ///< empty: 120 quarters a minute
  std::vector<TimeSignature> time_signatures;  ///< empty: 4/4
  std::vector<KeySignature> key_signatures;

  /// Largest note end over all tracks, 0 without notes.
  std::int64_t end() const;
  std::size_t note_count() const;
  friend bool operator==(const Score&, const Score&) = default;
};

/// Converts between ticks and seconds along the tempo map of `score`: 120 quarters a minute until
/// the first tempo. ArgumentError for tempos that are zero or not sorted, or no ticks per quarter.
class TempoMap {
 public:
  explicit TempoMap(const Score& score);
  double seconds(std::int64_t tick) const;
  /// Nearest tick to `seconds`. ArgumentError if that is no number of ticks (infinite, NaN).
  std::int64_t tick(double seconds) const;

 private:
  struct Segment {
    std::int64_t tick;
    double seconds;
    double seconds_per_tick;
  };
  std::vector<Segment> segments_;
};

/// A note that ends while the pedal of its Track is down ends instead where the pedal is lifted or
/// its key is struck again in that Track, whichever is first; a pedal never lifted holds until
/// `score.end()`. At one tick the pedal moves before the notes end. Nothing gets shorter. Pedal
/// events are consumed.
Score apply_sustain(const Score& score);
/// Shifts every non-drum note by `semitones`; notes that leave 0..127 are dropped. Keys move along,
/// spelled with -5 to 6 sharps.
Score transpose(const Score& score, int semitones);
/// Multiplies the duration of everything by `factor` > 0 by scaling the tempo map, rounded to whole
/// microseconds a quarter; ticks are kept. ArgumentError if a tempo leaves 1..16777215.
Score stretch(const Score& score, double factor);
/// The piece of `score` in [begin, end), moved to tick 0: notes that reach over an edge end or
/// start there, and the tempo, metre and key in force at `begin` stand at 0.
Score cut(const Score& score, std::int64_t begin, std::int64_t end);
/// Ticks of every `bars`-th bar line from 0 to the first at or behind the end; bars without a whole
/// number of ticks, or a metre that makes no sense, count as 4/4. ArgumentError unless bars >= 1
/// and the score lasts at most 100,000 quarters.
std::vector<std::int64_t> bar_lines(const Score& score, int bars);
/// Rounds starts and ends to a grid of `steps_per_quarter`, halves up, re-expressed with that many
/// ticks per quarter; a note of no length gets one step. Tempo, metre, key and pedal ticks are
/// rounded too; of tempos (metres, keys) that meet at one tick the last stays. Notes of one key may
/// come to overlap or coincide.
Score quantize(const Score& score, int steps_per_quarter);

}  // namespace cadenza
