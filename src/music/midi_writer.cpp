// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/midi.h"
#include "music/midi_chunk.h"
#include "music/midi_format.h"

namespace cadenza {
namespace {

using midi::Bytes;
using midi::ChunkWriter;
using midi::ContestedChannels;
using midi::Event;
using midi::Kind;

void check_track(const Track& track, std::size_t index, std::int64_t last_tick) {
  check(track.channel < midi::kChannels, "write_midi: track ", index,
        ": expected channel 0 to 15, got ", int{track.channel});
  check(track.program < 128, "write_midi: track ", index, ": expected program 0 to 127, got ",
        int{track.program});
  for (const Note& note : track.notes) {
    check(note.start >= 0 && note.end > note.start && note.end <= last_tick, "write_midi: track ",
          index, ": expected a note with 0 <= start < end <= ", last_tick, ", got ", note.start,
          " to ", note.end);
    check(note.pitch < midi::kKeys && note.velocity >= 1 && note.velocity <= 127,
          "write_midi: track ", index, ": expected pitch 0 to 127 and velocity 1 to 127, got ",
          int{note.pitch}, " and ", int{note.velocity});
  }
  for (const PedalEvent& event : track.pedal) {
    check(event.tick >= 0 && event.tick <= last_tick, "write_midi: track ", index,
          ": expected a pedal event at tick 0 to ", last_tick, ", got ", event.tick);
  }
}

void check_score(const Score& score, const MidiWriteOptions& options) {
  check(options.format == 0 || options.format == 1, "write_midi: expected format 0 or 1, got ",
        options.format);
  check(score.ticks_per_quarter >= 1 && score.ticks_per_quarter <= 0x7FFF,
        "write_midi: expected 1 to 32767 ticks per quarter, got ", score.ticks_per_quarter);
  check(score.tracks.size() < midi::kMaxTrackChunks, "write_midi: expected fewer than ",
        midi::kMaxTrackChunks, " tracks, got ", score.tracks.size());
  const std::int64_t last_tick = max_midi_tick(score.ticks_per_quarter);
  for (std::size_t i = 0; i < score.tracks.size(); ++i) check_track(score.tracks[i], i, last_tick);
  const auto in_range = [&](std::int64_t tick) { return tick >= 0 && tick <= last_tick; };
  for (const Tempo& tempo : score.tempos) {
    check(in_range(tempo.tick) && tempo.microseconds_per_quarter >= 1 &&
              tempo.microseconds_per_quarter <= midi::kMaxTempo,
          "write_midi: expected a tempo of 1 to 16777215 microseconds a quarter, got ",
          tempo.microseconds_per_quarter, " at tick ", tempo.tick);
  }
  for (const TimeSignature& metre : score.time_signatures) {
    const bool power = metre.denominator >= 1 &&
                       metre.denominator <= 1 << midi::kMaxDenominatorPower &&
                       std::has_single_bit(static_cast<unsigned>(metre.denominator));
    check(in_range(metre.tick) && metre.numerator >= 1 && metre.numerator <= 255 && power,
          "write_midi: expected a metre of 1 to 255 over a power of two up to 64, got ",
          metre.numerator, "/", metre.denominator, " at tick ", metre.tick);
  }
  for (const KeySignature& key : score.key_signatures) {
    check(in_range(key.tick) && key.sharps >= -7 && key.sharps <= 7,
          "write_midi: expected a key of -7 to 7 sharps, got ", key.sharps, " at tick ", key.tick);
  }
}

void add_conductor(const Score& score, std::vector<Event>& events) {
  for (const Tempo& tempo : score.tempos) {
    events.push_back(
        {.tick = tempo.tick, .kind = Kind::tempo, .conductor = tempo.microseconds_per_quarter});
  }
  for (const TimeSignature& metre : score.time_signatures) {
    const auto denominator = static_cast<unsigned>(metre.denominator);
    const auto power = static_cast<std::uint32_t>(std::countr_zero(denominator));
    // The last two bytes: MIDI clocks (24 a quarter) a metronome click, 32nd notes a quarter.
    const std::uint32_t clocks = std::max(96u / denominator, 1u);
    const std::uint32_t value =
        (static_cast<std::uint32_t>(metre.numerator) << 24) | (power << 16) | (clocks << 8) | 8u;
    events.push_back({.tick = metre.tick, .kind = Kind::time_signature, .conductor = value});
  }
  for (const KeySignature& key : score.key_signatures) {
    const auto sharps = static_cast<std::uint32_t>(static_cast<std::uint8_t>(key.sharps));
    const std::uint32_t value = (sharps << 8) | (key.minor ? 1u : 0u);
    events.push_back({.tick = key.tick, .kind = Kind::key_signature, .conductor = value});
  }
}

struct WrittenNote {
  Note note;
  std::uint8_t program;
};

// Cuts notes where their key is struck again; of notes that start together the longest, then the
// last stays.
void add_notes(std::vector<WrittenNote> notes, std::uint8_t channel, std::vector<Event>& events) {
  std::stable_sort(notes.begin(), notes.end(),
                   [](const WrittenNote& a, const WrittenNote& b) { return a.note < b.note; });
  std::array<std::size_t, midi::kKeys> next;
  next.fill(notes.size());
  for (std::size_t i = notes.size(); i-- > 0;) {
    Note& note = notes[i].note;
    const std::size_t younger = next[note.pitch];
    if (younger < notes.size()) note.end = std::min(note.end, notes[younger].note.start);
    if (note.end > note.start) next[note.pitch] = i;
  }
  for (const auto& [note, program] : notes) {
    if (note.end == note.start) continue;
    events.push_back({note.start, Kind::note_on, channel, note.pitch, note.velocity, program, 0});
    events.push_back({note.end, Kind::note_off, channel, note.pitch, 0, program, 0});
  }
}

void add_pedal(const std::vector<PedalEvent>& pedal, std::uint8_t channel,
               std::vector<Event>& events) {
  for (const PedalEvent& event : pedal) {
    events.push_back({.tick = event.tick,
                      .kind = Kind::pedal,
                      .channel = channel,
                      .first = static_cast<std::uint8_t>(event.down ? 1 : 0)});
  }
}

void add_sorted(std::vector<Event>& events, ChunkWriter& chunk) {
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.tick != b.tick ? a.tick < b.tick : a.kind < b.kind;
  });
  for (const Event& event : events) chunk.event(event);
}

ContestedChannels contested_channels(const Score& score) {
  std::array<int, midi::kChannels> program;
  program.fill(-1);
  ContestedChannels contested{};
  for (const Track& track : score.tracks) {
    int& first = program[track.channel];
    if (first >= 0 && first != track.program) contested[track.channel] = true;
    first = track.program;
  }
  return contested;
}

std::vector<PedalEvent> channel_pedal(const Score& score, int channel) {
  std::vector<PedalEvent> pedal;
  const std::vector<PedalEvent>* last = nullptr;
  for (const Track& track : score.tracks) {
    // Tracks of one channel read from a file have equal pedals.
    if (track.channel != channel || (last != nullptr && *last == track.pedal)) continue;
    last = &track.pedal;
    pedal.insert(pedal.end(), track.pedal.begin(), track.pedal.end());
  }
  midi::settle_pedal(pedal);
  return pedal;
}

std::vector<WrittenNote> written_notes(const Track& track) {
  std::vector<WrittenNote> notes;
  notes.reserve(track.notes.size());
  for (const Note& note : track.notes) notes.push_back({note, track.program});
  return notes;
}

void put_header(Bytes& out, int format, std::size_t tracks, int ticks_per_quarter) {
  midi::put_text(out, "MThd");
  midi::put_big(out, 6, 4);
  midi::put_big(out, static_cast<std::uint32_t>(format), 2);
  midi::put_big(out, static_cast<std::uint32_t>(tracks), 2);
  midi::put_big(out, static_cast<std::uint32_t>(ticks_per_quarter), 2);
}

Bytes write_merged(const Score& score, bool running_status) {
  const ContestedChannels contested{};  // one chunk: its program changes are in order already
  std::vector<Event> events;
  add_conductor(score, events);
  for (int channel = 0; channel < midi::kChannels; ++channel) {
    std::vector<WrittenNote> notes;
    for (const Track& track : score.tracks) {
      if (track.channel != channel) continue;
      const std::vector<WrittenNote> more = written_notes(track);
      notes.insert(notes.end(), more.begin(), more.end());
    }
    add_notes(std::move(notes), static_cast<std::uint8_t>(channel), events);
    add_pedal(channel_pedal(score, channel), static_cast<std::uint8_t>(channel), events);
  }
  Bytes out;
  put_header(out, 0, 1, score.ticks_per_quarter);
  ChunkWriter chunk(contested, running_status);
  add_sorted(events, chunk);
  chunk.finish(out);
  return out;
}

Bytes write_separate(const Score& score, bool running_status) {
  const ContestedChannels contested = contested_channels(score);
  Bytes out;
  put_header(out, 1, score.tracks.size() + 1, score.ticks_per_quarter);
  std::vector<Event> events;
  add_conductor(score, events);
  ChunkWriter conductor(contested, running_status);
  add_sorted(events, conductor);
  conductor.finish(out);
  std::array<bool, midi::kChannels> pedal_written{};
  for (const Track& track : score.tracks) {
    events.clear();
    add_notes(written_notes(track), track.channel, events);
    if (!pedal_written[track.channel]) {
      add_pedal(channel_pedal(score, track.channel), track.channel, events);
      pedal_written[track.channel] = true;
    }
    ChunkWriter chunk(contested, running_status);
    chunk.name(track.name);
    add_sorted(events, chunk);
    chunk.finish(out);
  }
  return out;
}

}  // namespace

std::vector<std::byte> write_midi(const Score& score, const MidiWriteOptions& options) {
  check_score(score, options);
  return options.format == 0 ? write_merged(score, options.running_status)
                             : write_separate(score, options.running_status);
}

void write_midi_file(const Score& score, const std::filesystem::path& path,
                     const MidiWriteOptions& options) {
  write_file_atomic(path, write_midi(score, options));
}

}  // namespace cadenza
