// SPDX-License-Identifier: Apache-2.0
#include "music/midi_chunk.h"

#include <string>

#include "cadenza/error.h"
#include "music/utf8.h"

namespace cadenza::midi {
namespace {

void put_variable_length(Bytes& out, std::uint32_t value) {
  for (int shift = 21; shift > 0; shift -= 7) {
    if (value >> shift != 0)
      out.push_back(static_cast<std::byte>(0x80 | ((value >> shift) & 0x7F)));
  }
  out.push_back(static_cast<std::byte>(value & 0x7F));
}

}  // namespace

void put_big(Bytes& out, std::uint32_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::byte>((value >> shift) & 0xFF));
  }
}

void put_text(Bytes& out, std::string_view text) {
  for (const char c : text) out.push_back(static_cast<std::byte>(c));
}

ChunkWriter::ChunkWriter(const ContestedChannels& contested, bool running_status)
    : contested_(contested), running_status_(running_status) {
  program_.fill(-1);
}

void ChunkWriter::name(std::string_view original) {
  const std::string text = to_utf8(original, kMaxNameLength);
  if (text.empty()) return;
  meta(0, kTrackName);
  put_variable_length(bytes_, static_cast<std::uint32_t>(text.size()));
  put_text(bytes_, text);
}

void ChunkWriter::event(const Event& event) {
  switch (event.kind) {
    case Kind::note_off:
      if (running_status_) {
        channel_message(event.tick, kNoteOn, event.channel, event.first, 0);
      } else {
        channel_message(event.tick, kNoteOff, event.channel, event.first, 64);
      }
      break;
    case Kind::note_on:
      select_program(event);
      channel_message(event.tick, kNoteOn, event.channel, event.first, event.second);
      break;
    case Kind::pedal:
      channel_message(event.tick, kController, event.channel, kSustainPedal,
                      event.first != 0 ? 127 : 0);
      break;
    case Kind::tempo:
      conductor(event, kTempo, 3);
      break;
    case Kind::time_signature:
      conductor(event, kTimeSignature, 4);
      break;
    case Kind::key_signature:
      conductor(event, kKeySignature, 2);
      break;
  }
}

void ChunkWriter::finish(Bytes& file) {
  meta(tick_, kEndOfTrack);
  bytes_.push_back(std::byte{0});
  check(bytes_.size() <= 0xFFFFFFFF, "write_midi: a track of ", bytes_.size(),
        " bytes does not fit into a MIDI file");
  put_text(file, "MTrk");
  put_big(file, static_cast<std::uint32_t>(bytes_.size()), 4);
  file.insert(file.end(), bytes_.begin(), bytes_.end());
}

void ChunkWriter::delta(std::int64_t tick) {
  put_variable_length(bytes_, static_cast<std::uint32_t>(tick - tick_));
  tick_ = tick;
}

void ChunkWriter::meta(std::int64_t tick, std::uint8_t type) {
  delta(tick);
  put_big(bytes_, kMeta, 1);
  put_big(bytes_, type, 1);
  status_ = 0;
}

void ChunkWriter::conductor(const Event& event, std::uint8_t type, int length) {
  meta(event.tick, type);
  put_big(bytes_, static_cast<std::uint32_t>(length), 1);
  put_big(bytes_, event.conductor, length);
}

void ChunkWriter::status(std::int64_t tick, std::uint8_t kind, std::uint8_t channel) {
  delta(tick);
  const auto value = static_cast<std::uint8_t>(kind | channel);
  if (value != status_ || !running_status_) put_big(bytes_, value, 1);
  status_ = value;
}

void ChunkWriter::channel_message(std::int64_t tick, std::uint8_t kind, std::uint8_t channel,
                                  std::uint8_t first, std::uint8_t second) {
  status(tick, kind, channel);
  put_big(bytes_, first, 1);
  put_big(bytes_, second, 1);
}

// Before the first note of a program; on a contested channel before every chord, because a
// player has one program a channel, whatever the chunk.
void ChunkWriter::select_program(const Event& note) {
  const std::uint8_t channel = note.channel;
  const bool again = contested_[channel] && program_tick_[channel] != note.tick;
  if (program_[channel] == note.program && !again) return;
  status(note.tick, kProgram, channel);
  put_big(bytes_, note.program, 1);
  program_[channel] = note.program;
  program_tick_[channel] = note.tick;
}

}  // namespace cadenza::midi
