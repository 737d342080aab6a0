// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cadenza/score.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {

/// What is written of a piece besides its MIDI file.
struct PieceFormats {
  bool png = false;
  bool wav = false;
};
/// --png and --wav
void add_format_options(Arguments& arguments, PieceFormats& formats);
/// Error, before any work, if a format does not work here.
void check_formats(const PieceFormats& formats);

/// The pieces a command has written.
struct Products {
  std::vector<std::string> files;
  std::vector<std::string> pictures;
  std::vector<std::string> audio;
  std::size_t notes = 0;
  std::size_t silent = 0;  ///< pieces without a note

  /// Writes `base`.mid, and .png and .wav as asked for.
  void write(const Score& score, const std::filesystem::path& base, const PieceFormats& formats);
  /// "wrote    : FIRST ... LAST", and how many are silent on stderr.
  void report() const;
};

/// "0007": the name of the piece with this number, without a suffix.
std::string numbered_name(std::int64_t number);

/// UsageError unless --qpm is a tempo that music can have.
void check_qpm(double qpm);

/// FileError if that cannot be done.
void make_folder(const std::filesystem::path& folder);

}  // namespace cadenza::tools
