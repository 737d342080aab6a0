// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "music/midi_format.h"

namespace cadenza::midi {

using Bytes = std::vector<std::byte>;

/// Appends the low `bytes` bytes of `value`, most significant first.
void put_big(Bytes& out, std::uint32_t value, int bytes);
void put_text(Bytes& out, std::string_view text);

/// In the order in which events of one tick are written: what ends comes first, then what governs
/// the notes that begin.
enum class Kind : std::uint8_t { note_off, tempo, time_signature, key_signature, pedal, note_on };

struct Event {
  std::int64_t tick = 0;
  Kind kind = Kind::note_off;
  std::uint8_t channel = 0;
  std::uint8_t first = 0;       // key; pedal: 1 down, 0 up
  std::uint8_t second = 0;      // velocity
  std::uint8_t program = 0;     // of the note
  std::uint32_t conductor = 0;  // tempo, metre or key as the bytes of the meta event
};

/// Channels that Tracks of different programs share.
using ContestedChannels = std::array<bool, kChannels>;

/// Encodes events, given in order of tick, as one track chunk.
class ChunkWriter {
 public:
  ChunkWriter(const ContestedChannels& contested, bool running_status);

  void name(std::string_view original);
  void event(const Event& event);
  /// Appends the finished chunk to `file`.
  void finish(Bytes& file);

 private:
  void delta(std::int64_t tick);
  void meta(std::int64_t tick, std::uint8_t type);
  void conductor(const Event& event, std::uint8_t type, int length);
  void status(std::int64_t tick, std::uint8_t kind, std::uint8_t channel);
  void channel_message(std::int64_t tick, std::uint8_t kind, std::uint8_t channel,
                       std::uint8_t first, std::uint8_t second);
  void select_program(const Event& note);

  const ContestedChannels& contested_;
  const bool running_status_;
  Bytes bytes_;
  std::int64_t tick_ = 0;
  std::uint8_t status_ = 0;  // 0: the next channel message needs its status byte
  std::array<int, kChannels> program_{};
  std::array<std::int64_t, kChannels> program_tick_{};
};

}  // namespace cadenza::midi
