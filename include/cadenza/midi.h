// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// What a Standard MIDI File held, with one sentence for each thing that had to be mended.
struct MidiFile {
  Score score;
  int format = 1;
  std::vector<std::string> warnings;
};

/// Reads a Standard MIDI File (format 0 or 1, also inside RIFF/RMID) from memory. Damaged files
/// are read as far as they go and mended; FormatError only if no track can be read.
MidiFile read_midi(std::span<const std::byte> bytes);
/// The same from a file; FileError if it cannot be read.
MidiFile read_midi_file(const std::filesystem::path& path);

struct MidiWriteOptions {
  int format = 1;  ///< 0: one merged track (track names are lost); 1: a tempo track, then one each
  bool running_status = true;
};

/// Serialises `score`; reading the result gives the same notes, tempo, metre and key map.
std::vector<std::byte> write_midi(const Score& score, const MidiWriteOptions& options = {});
/// Writes through a temporary file and a rename, so no half-written file is ever seen.
void write_midi_file(const Score& score, const std::filesystem::path& path,
                     const MidiWriteOptions& options = {});

}  // namespace cadenza
