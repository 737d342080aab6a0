// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/midi.h"
#include "core/byte_reader.h"
#include "music/midi_format.h"
#include "music/midi_track.h"

namespace cadenza {
namespace {

using midi::FileContents;
using midi::Part;
using midi::TrackContents;

constexpr std::string_view kInput = "MIDI file";
constexpr std::string_view kHeaderTag = "MThd";
constexpr std::string_view kTrackTag = "MTrk";
// Bounds on memory for hostile files: events of all tracks, and pedal events over all Tracks of a
// Score, since every Track of a channel gets a copy.
constexpr std::size_t kMaxEvents = std::size_t{1} << 24;
constexpr std::size_t kMaxPedalCopies = std::size_t{1} << 24;

struct Header {
  int format = 1;
  std::size_t track_count = 0;
  int ticks_per_quarter = 0;
  std::uint32_t smpte_tempo = 0;  // not 0: time is absolute and this tempo expresses it
};

// The bytes up to the end of the MIDI data: all of them, or the data chunk of a RIFF/RMID file.
std::span<const std::byte> midi_data(std::span<const std::byte> bytes) {
  ByteReader reader(bytes, kInput);
  if (reader.remaining() < 12 || !reader.looking_at("RIFF")) return bytes;
  reader.skip(8);
  if (!reader.looking_at("RMID")) return bytes;
  reader.skip(4);
  while (reader.remaining() >= 8) {
    const bool is_data = reader.looking_at("data");
    reader.skip(4);
    const std::size_t length = reader.u32_little();
    if (is_data) return bytes.first(reader.offset() + std::min(length, reader.remaining()));
    // Chunks of odd length are padded.
    if (length + length % 2 > reader.remaining()) return bytes;
    reader.skip(length + length % 2);
  }
  return bytes;
}

// Negative divisions count SMPTE frames a second and ticks a frame. The tempo makes a tick last as
// long as the file says: 120 quarters a minute if a quarter is then a whole number of ticks, else
// 60. 29 frames stand for 30 / 1.001.
void read_smpte_division(std::uint16_t division, std::size_t offset, Header& header) {
  const int frames = -static_cast<std::int8_t>(division >> 8);
  const int ticks_per_frame = division & 0xFF;
  const bool known = frames == 24 || frames == 25 || frames == 29 || frames == 30;
  if (!known || ticks_per_frame == 0) {
    throw FormatError(message("MIDI header: expected 24, 25, 29 or 30 frames a second and 1 to 255 "
                              "ticks a frame, got ",
                              frames, " and ", ticks_per_frame),
                      offset);
  }
  const bool drops = frames == 29;
  const int ticks = (drops ? 30 : frames) * ticks_per_frame;
  const std::uint32_t microseconds = drops ? 1001000 : 1000000;
  const int quarters = ticks % 2 == 0 ? 2 : 1;
  header.ticks_per_quarter = ticks / quarters;
  header.smpte_tempo = microseconds / static_cast<std::uint32_t>(quarters);
}

Header read_header(ByteReader& reader, midi::Warnings& warnings) {
  if (reader.at_end()) throw FormatError("MIDI file is empty", 0);
  const std::size_t start = reader.find(kHeaderTag);
  if (start == reader.size()) throw FormatError("not a MIDI file: no MThd header", 0);
  // A RIFF wrapper before the header is in order.
  if (start > 0 && !reader.looking_at("RIFF")) {
    warnings.add(0, "skipped ", start, " bytes before the MThd header");
  }
  reader.seek(start + kHeaderTag.size());
  const std::size_t length = reader.u32_big();
  Header header;
  const int format = reader.u16_big();
  header.format = format <= 2 ? format : 1;
  if (format >= 2) {
    warnings.add(reader.offset() - 2, "format ", format, " read as if it were format 1");
  }
  header.track_count = reader.u16_big();
  const std::size_t offset = reader.offset();
  const std::uint16_t division = reader.u16_big();
  if (division >= 0x8000) {
    read_smpte_division(division, offset, header);
  } else if (division == 0) {
    throw FormatError("MIDI header: expected 1 or more ticks per quarter, got 0", offset);
  } else {
    header.ticks_per_quarter = division;
  }
  if (length >= 6 && length - 6 <= reader.remaining()) {
    reader.skip(length - 6);
  } else {
    warnings.add(start + 4, "MThd header of ", length, " bytes, read as 6");
  }
  return header;
}

bool at_chunk(const ByteReader& reader) {
  if (reader.remaining() < 8) return reader.at_end();
  ByteReader ahead = reader;
  const std::string_view tag = ahead.text(4);
  const bool readable =
      std::all_of(tag.begin(), tag.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return readable && (tag == kTrackTag || ahead.u32_big() <= ahead.remaining());
}

// Reads the track chunk whose length field is next and moves to the next chunk, as far as that can
// be told.
TrackContents read_track_chunk(ByteReader& reader, std::span<const std::byte> bytes,
                               FileContents& file) {
  const std::size_t length_offset = reader.offset();
  const std::size_t length = reader.u32_big();
  ByteReader next = reader;
  if (length <= reader.remaining()) next.skip(length);
  const bool trusted = length <= reader.remaining() && at_chunk(next);
  const std::size_t end = trusted ? next.offset() : bytes.size();
  ByteReader events(bytes.first(end), kInput);
  events.seek(reader.offset());
  TrackContents track = midi::read_track(events, file);
  if (!trusted && track.end_offset != next.offset()) {
    file.warnings.add(length_offset, "track length is ", length, " but ",
                      track.end_offset - reader.offset(), " bytes were read");
  }
  reader.seek(trusted ? end : track.end_offset);
  return track;
}

// The program of a channel at `tick`, 0 if nothing has set it.
std::uint8_t program_at(const std::vector<midi::ProgramChange>& changes, std::int64_t tick) {
  const auto after = std::upper_bound(
      changes.begin(), changes.end(), tick,
      [](std::int64_t value, const midi::ProgramChange& change) { return value < change.tick; });
  return after == changes.begin() ? std::uint8_t{0} : std::prev(after)->program;
}

// Moves the notes of `open`, which come before any program change in their chunk, to the parts of
// the program that another chunk set for their channel, as a synthesiser would play them.
void resolve_program(const Part& open, const FileContents& file, std::vector<Part>& parts) {
  constexpr std::size_t kNone = ~std::size_t{0};
  std::array<std::size_t, midi::kNoProgram> part_of;
  part_of.fill(kNone);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].channel == open.channel) part_of[parts[i].program] = i;
  }
  for (const Note& note : open.notes) {
    const std::uint8_t program = program_at(file.programs[open.channel], note.start);
    if (part_of[program] == kNone) {
      part_of[program] = parts.size();
      parts.push_back({open.channel, program, {}});
    }
    parts[part_of[program]].notes.push_back(note);
  }
}

void resolve_programs(std::vector<Part>& parts, const FileContents& file) {
  const auto set = [](const Part& part) { return part.program != midi::kNoProgram; };
  const auto first_open = std::stable_partition(parts.begin(), parts.end(), set);
  const std::vector<Part> open(std::make_move_iterator(first_open),
                               std::make_move_iterator(parts.end()));
  parts.erase(first_open, parts.end());
  for (const Part& part : open) resolve_program(part, file, parts);
  for (Part& part : parts) {
    if (!std::is_sorted(part.notes.begin(), part.notes.end())) {
      std::sort(part.notes.begin(), part.notes.end());
    }
  }
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return std::pair(a.channel, a.program) < std::pair(b.channel, b.program);
  });
}

std::vector<TrackContents> read_tracks(ByteReader& reader, std::span<const std::byte> bytes,
                                       const Header& header, FileContents& file) {
  std::vector<TrackContents> tracks;
  while (!reader.at_end()) {
    if (!at_chunk(reader)) {
      const std::size_t offset = reader.offset();
      reader.seek(reader.find(kTrackTag));
      file.warnings.add(offset, "skipped ", reader.offset() - offset, " bytes between chunks");
      if (reader.remaining() < 8) break;
    }
    const bool is_track = reader.looking_at(kTrackTag);
    reader.skip(4);
    if (!is_track) {
      reader.skip(reader.u32_big());
      continue;
    }
    if (tracks.size() == midi::kMaxTrackChunks) {
      file.warnings.add(reader.offset(), "too many tracks, the rest was left out");
      break;
    }
    tracks.push_back(read_track_chunk(reader, bytes, file));
  }
  if (tracks.empty()) throw FormatError("MIDI file without a track chunk", reader.offset());
  if (tracks.size() != header.track_count) {
    file.warnings.add(0, "the header announces ", header.track_count, " tracks, found ",
                      tracks.size());
  }
  return tracks;
}

// The pedal belongs to the channel: every Track of a channel gets what any chunk said for it.
void distribute_pedals(FileContents& file, std::vector<Track>& tracks) {
  for (auto& pedal : file.pedals) midi::settle_pedal(pedal);
  std::size_t left = kMaxPedalCopies;
  for (Track& track : tracks) {
    const auto& pedal = file.pedals[track.channel];
    if (pedal.size() > left) {
      file.warnings.add(0, "too many pedal events for too many tracks, the rest was left out");
      return;
    }
    left -= pedal.size();
    track.pedal = pedal;
  }
}

Score assemble(const Header& header, std::vector<TrackContents>& chunks, FileContents& file) {
  Score score;
  score.ticks_per_quarter = header.ticks_per_quarter;
  for (auto& changes : file.programs) {
    std::stable_sort(changes.begin(), changes.end(),
                     [](const auto& a, const auto& b) { return a.tick < b.tick; });
  }
  for (TrackContents& chunk : chunks) {
    resolve_programs(chunk.parts, file);
    for (Part& part : chunk.parts) {
      score.tracks.push_back({chunk.name, part.channel, part.program, std::move(part.notes), {}});
    }
  }
  distribute_pedals(file, score.tracks);
  if (header.smpte_tempo != 0) {
    if (!file.tempos.empty()) {
      file.warnings.add(0, "ignored tempo events in a file that counts in SMPTE frames");
    }
    file.tempos.assign(1, {0, header.smpte_tempo});
  }
  midi::settle_changes(file.tempos);
  midi::settle_changes(file.time_signatures);
  midi::settle_changes(file.key_signatures);
  score.tempos = std::move(file.tempos);
  score.time_signatures = std::move(file.time_signatures);
  score.key_signatures = std::move(file.key_signatures);
  return score;
}

}  // namespace

MidiFile read_midi(std::span<const std::byte> bytes) {
  bytes = midi_data(bytes);
  ByteReader reader(bytes, kInput);
  FileContents file;
  const Header header = read_header(reader, file.warnings);
  file.last_tick = max_midi_tick(header.ticks_per_quarter);
  file.events_left = kMaxEvents;
  std::vector<TrackContents> chunks = read_tracks(reader, bytes, header, file);
  MidiFile result;
  result.score = assemble(header, chunks, file);
  result.format = header.format;
  result.warnings = file.warnings.take();
  return result;
}

MidiFile read_midi_file(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  try {
    return read_midi(bytes);
  } catch (const FormatError& error) {
    throw FormatError(message(path.string(), ": ", error.reason()), error.offset());
  }
}

}  // namespace cadenza
