// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// Notes of a file end at or before this tick: a million quarters, and no more than one delta time
/// can express (2^28 - 1).
constexpr std::int64_t max_midi_tick(int ticks_per_quarter) {
  const std::int64_t quarters = std::int64_t{ticks_per_quarter} * 1000000;
  return quarters < 0x0FFFFFFF ? quarters : 0x0FFFFFFF;
}

/// What a Standard MIDI File held, with one sentence for each thing that had to be mended (at most
/// 20, then "... and N more").
struct MidiFile {
  Score score;
  int format = 1;  ///< 0, 1 or 2 as the header says
  std::vector<std::string> warnings;
};

/// Reads a Standard MIDI File (format 0 or 1, also inside RIFF/RMID) from memory. Damaged files
/// are read as far as they go and mended; FormatError only if the header makes no sense or no track
/// can be found.
///
/// Tracks: one Track for each (track chunk, channel, program at the note's onset), in this order,
/// named after the chunk; Tracks without notes are left out. Notes before any program change in
/// their chunk take the program that another chunk has set for the channel. Names that are not
/// UTF-8 are read as Latin-1 and cut after 255 bytes. The pedal belongs to the channel: each Track
/// has the pedal events that any chunk holds for its channel, less those that change nothing.
///
/// Notes: within a chunk a key of a channel sounds once at a time. Striking it again ends the older
/// note; of several onsets at one tick the last counts. Note-offs pair with onsets first in, first
/// out; if some are missing, the first ends the sounding note. A note without length lasts one tick,
/// one without a note-off until the end of its track.
///
/// Tempo, metre and key events count in every track; of several at one tick the last counts.
/// A division in SMPTE frames becomes a tempo of 120 quarters a minute (60 if a quarter would not
/// be a whole number of ticks) and the ticks per quarter that give every tick its duration in
/// seconds; tempo events do not apply then. Format 2 is read as if it were format 1.
MidiFile read_midi(std::span<const std::byte> bytes);
/// The same from a file; FileError if it cannot be read, FormatError names it.
MidiFile read_midi_file(const std::filesystem::path& path);

struct MidiWriteOptions {
  int format = 1;  ///< 0: one merged track (track names are lost); 1: a tempo track, then one each
  bool running_status = true;
};

/// Serialises `score`; reading the result gives the same notes, tempo, metre and key map.
///
/// Overlapping notes of one key are cut as read_midi cuts them, so a Score with such notes reads
/// back in that normal form: the older ends at the younger's start, of those starting together the
/// longest stays. Format 1 looks at each Track alone, format 0 at all Tracks of a channel.
/// The pedal events of the Tracks of one channel are merged. ArgumentError names a value that the
/// format cannot hold: a note with `end <= start` or beyond max_midi_tick, a pitch over 127, a
/// velocity outside 1..127, and so on.
std::vector<std::byte> write_midi(const Score& score, const MidiWriteOptions& options = {});
/// Writes through a temporary file and a rename, so no half-written file is ever seen.
void write_midi_file(const Score& score, const std::filesystem::path& path,
                     const MidiWriteOptions& options = {});

}  // namespace cadenza
