// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cadenza/error.h"
#include "cadenza/score.h"
#include "core/byte_reader.h"
#include "music/midi_format.h"

namespace cadenza::midi {

/// One sentence for each thing that was mended; the list stays short however bad the file is.
class Warnings {
 public:
  template <typename... Parts>
  void add(std::size_t offset, const Parts&... parts) {
    if (sentences_.size() < kMost) {
      sentences_.push_back(message(parts..., " (at byte ", offset, ")"));
    } else {
      ++more_;
    }
  }
  std::vector<std::string> take() {
    if (more_ > 0) sentences_.push_back(message("... and ", more_, " more"));
    return std::move(sentences_);
  }

 private:
  static constexpr std::size_t kMost = 20;
  std::vector<std::string> sentences_;
  std::size_t more_ = 0;
};

struct ProgramChange {
  std::int64_t tick;
  std::uint8_t program;
};

/// What the track chunks of one file fill together: conductor events may stand in any chunk, and
/// program and pedal belong to the channel.
struct FileContents {
  std::int64_t last_tick = 0;  ///< events after this tick are not read
  std::size_t events_left = 0;
  std::vector<Tempo> tempos;
  std::vector<TimeSignature> time_signatures;
  std::vector<KeySignature> key_signatures;
  std::array<std::vector<ProgramChange>, kChannels> programs;
  std::array<std::vector<PedalEvent>, kChannels> pedals;
  Warnings warnings;
};

/// Stands for the program of notes before any program change in their chunk.
inline constexpr std::uint8_t kNoProgram = 128;

/// Notes of one channel and program in one track chunk, sorted as in Track.
struct Part {
  std::uint8_t channel = 0;
  std::uint8_t program = kNoProgram;
  std::vector<Note> notes;
};

struct TrackContents {
  std::string name;
  std::vector<Part> parts;
  std::size_t end_offset = 0;  ///< where reading stopped
};

/// Reads the events of one track chunk, from the reader's place to the end-of-track event or the
/// reader's end. Damage ends the track or is skipped, with a warning; never throws FormatError.
TrackContents read_track(ByteReader reader, FileContents& file);

}  // namespace cadenza::midi
