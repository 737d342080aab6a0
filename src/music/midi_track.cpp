// SPDX-License-Identifier: Apache-2.0
#include "music/midi_track.h"

#include <algorithm>

#include "music/utf8.h"

namespace cadenza::midi {
namespace {

class TrackReader {
 public:
  TrackReader(ByteReader reader, FileContents& file)
      : reader_(reader), file_(file), start_offset_(reader.offset()) {
    program_.fill(kNoProgram);
    for (auto& channel : part_of_) channel.fill(-1);
  }

  TrackContents read() {
    try {
      read_events();
    } catch (const FormatError& error) {
      file_.warnings.add(error.offset(),
                         "track cut short, kept what came before: ", error.reason());
    }
    finish();
    track_.end_offset = reader_.offset();
    return std::move(track_);
  }

 private:
  // The last note struck on one key of one channel.
  struct Key {
    std::int32_t part = -1;
    std::uint32_t index = 0;
    bool open = false;
    std::uint32_t owed = 0;  // older notes that onsets ended, whose note-offs may still come
  };

  void read_events();
  std::uint32_t read_variable_length();
  std::uint8_t read_status();
  std::uint8_t read_data();
  void read_channel_message(std::uint8_t status);
  void read_system_message(std::uint8_t status);
  void read_meta();
  void read_conductor(std::uint8_t type, std::span<const std::byte> data, std::size_t offset);
  void note_on(std::uint8_t channel, std::uint8_t key, std::uint8_t velocity);
  void note_off(std::uint8_t channel, std::uint8_t key);
  std::int32_t current_part(std::uint8_t channel);
  void finish();

  Note& note_of(const Key& key) {
    return track_.parts[static_cast<std::size_t>(key.part)].notes[key.index];
  }

  ByteReader reader_;
  FileContents& file_;
  const std::size_t start_offset_;
  TrackContents track_;
  std::int64_t tick_ = 0;
  std::uint8_t running_status_ = 0;
  bool ended_ = false;
  std::size_t stray_note_offs_ = 0;
  std::size_t repeated_onsets_ = 0;
  std::array<std::array<Key, kKeys>, kChannels> keys_{};
  std::array<std::uint8_t, kChannels> program_{};
  std::array<std::array<std::int32_t, kNoProgram + 1>, kChannels> part_of_{};  // -1: none yet
};

void TrackReader::read_events() {
  while (!ended_) {
    if (reader_.at_end()) {
      file_.warnings.add(reader_.offset(), "track without an end-of-track event");
      return;
    }
    const std::size_t offset = reader_.offset();
    const std::int64_t next_tick = tick_ + read_variable_length();
    if (next_tick > file_.last_tick) {
      file_.warnings.add(offset, "track goes on beyond tick ", file_.last_tick,
                         ", the rest was left out");
      return;
    }
    if (file_.events_left == 0) {
      file_.warnings.add(offset, "too many events, the rest was left out");
      return;
    }
    --file_.events_left;
    tick_ = next_tick;
    const std::uint8_t status = read_status();
    if (status < kSystem) {
      read_channel_message(status);
    } else if (status == kMeta) {
      read_meta();
    } else {
      read_system_message(status);
    }
  }
}

// Seven bits a byte, most significant first, at most four bytes.
std::uint32_t TrackReader::read_variable_length() {
  const std::size_t offset = reader_.offset();
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const std::uint8_t byte = reader_.u8();
    value = (value << 7) | (byte & 0x7Fu);
    if (byte < 0x80) return value;
  }
  throw FormatError("a variable-length number has more than four bytes", offset);
}

// Running status survives meta and system events: the standard forbids it, files do it.
std::uint8_t TrackReader::read_status() {
  const std::uint8_t byte = reader_.peek();
  if (byte < 0x80 && running_status_ != 0) return running_status_;
  if (byte < 0x80) {
    const std::size_t offset = reader_.offset();
    while (reader_.peek() < 0x80) reader_.skip(1);
    file_.warnings.add(offset, "expected a status byte, skipped ", reader_.offset() - offset,
                       " bytes to the next one");
  }
  const std::uint8_t status = reader_.u8();
  if (status < kSystem) running_status_ = status;
  return status;
}

// A data byte has seven bits; larger ones come from programs that forgot to limit a velocity or a
// controller.
std::uint8_t TrackReader::read_data() {
  const std::uint8_t byte = reader_.u8();
  if (byte < 0x80) return byte;
  file_.warnings.add(reader_.offset() - 1, "data byte ", int{byte}, " limited to 127");
  return 127;
}

void TrackReader::read_channel_message(std::uint8_t status) {
  const auto kind = static_cast<std::uint8_t>(status & 0xF0u);
  const auto channel = static_cast<std::uint8_t>(status & 0x0Fu);
  if (kind == kNoteOn || kind == kNoteOff) {
    const std::uint8_t key = reader_.u8();
    const std::uint8_t velocity = read_data();
    if (key >= kKeys) {
      file_.warnings.add(reader_.offset() - 2, "note ", int{key}, " is not a key, left out");
    } else if (kind == kNoteOn && velocity > 0 && tick_ == file_.last_tick) {
      file_.warnings.add(reader_.offset() - 2, "note at the last possible tick left out");
    } else if (kind == kNoteOn && velocity > 0) {
      note_on(channel, key, velocity);
    } else {
      note_off(channel, key);
    }
    return;
  }
  const std::uint8_t first = read_data();
  if (kind == kProgram) {
    program_[channel] = first;
    file_.programs[channel].push_back({tick_, first});
    return;
  }
  if (kind == kChannelPressure) return;
  const std::uint8_t second = read_data();
  if (kind == kController && first == kSustainPedal) {
    file_.pedals[channel].push_back({tick_, second >= 64});
  }
}

void TrackReader::read_system_message(std::uint8_t status) {
  if (status == kSystem || status == kSysexContinued) {
    reader_.skip(read_variable_length());
    return;
  }
  // The remaining ones belong on a cable, not in a file: song position has two data bytes, time
  // code and song select one, the others none.
  reader_.skip(status == 0xF2 ? 2 : status == 0xF1 || status == 0xF3 ? 1 : 0);
  file_.warnings.add(reader_.offset(), "skipped system message ", int{status});
}

void TrackReader::read_meta() {
  const std::size_t offset = reader_.offset();
  const std::uint8_t type = reader_.u8();
  const auto data = reader_.bytes(read_variable_length());
  switch (type) {
    case kEndOfTrack:
      ended_ = true;
      break;
    case kTrackName:
      if (track_.name.empty()) {
        track_.name =
            to_utf8({reinterpret_cast<const char*>(data.data()), data.size()}, kMaxNameLength);
      }
      break;
    case kTempo:
    case kTimeSignature:
    case kKeySignature:
      read_conductor(type, data, offset);
      break;
    default:
      break;
  }
}

void TrackReader::read_conductor(std::uint8_t type, std::span<const std::byte> data,
                                 std::size_t offset) {
  const auto byte = [&](std::size_t i) {
    return i < data.size() ? std::to_integer<std::uint32_t>(data[i]) : 0;
  };
  if (type == kTempo) {
    const std::uint32_t tempo = (byte(0) << 16) | (byte(1) << 8) | byte(2);
    if (data.size() == 3 && tempo > 0) {
      file_.tempos.push_back({tick_, tempo});
      return;
    }
    file_.warnings.add(offset, "ignored a tempo that is not three bytes or zero");
  } else if (type == kTimeSignature) {
    if (data.size() >= 2 && byte(0) > 0 && byte(1) <= kMaxDenominatorPower) {
      file_.time_signatures.push_back({tick_, static_cast<int>(byte(0)), 1 << byte(1)});
      return;
    }
    file_.warnings.add(offset, "ignored an impossible time signature");
  } else {
    const int sharps = static_cast<std::int8_t>(byte(0));
    if (data.size() == 2 && sharps >= -7 && sharps <= 7 && byte(1) <= 1) {
      file_.key_signatures.push_back({tick_, sharps, byte(1) == 1});
      return;
    }
    file_.warnings.add(offset, "ignored an impossible key signature");
  }
}

std::int32_t TrackReader::current_part(std::uint8_t channel) {
  std::int32_t& part = part_of_[channel][program_[channel]];
  if (part < 0) {
    part = static_cast<std::int32_t>(track_.parts.size());
    track_.parts.push_back({channel, program_[channel], {}});
  }
  return part;
}

void TrackReader::note_on(std::uint8_t channel, std::uint8_t key, std::uint8_t velocity) {
  Key& last = keys_[channel][key];
  const std::uint32_t owed = last.open ? last.owed + 1 : 0;
  if (last.part >= 0) {
    Note& older = note_of(last);
    if (older.start == tick_) {
      // Struck twice at one tick: the last counts. finish() drops notes without length.
      older.end = older.start;
      ++repeated_onsets_;
    } else if (last.open) {
      older.end = tick_;
    }
  }
  const std::int32_t part = current_part(channel);
  auto& notes = track_.parts[static_cast<std::size_t>(part)].notes;
  last = {part, static_cast<std::uint32_t>(notes.size()), true, owed};
  notes.push_back({tick_, tick_, key, velocity});
}

// First in, first out: the note-offs of older notes, which the onset of this one ended already,
// come before its own. Files may leave them out, so the first one ends the note and later ones
// prolong it; at the tick of its onset none can be its own.
void TrackReader::note_off(std::uint8_t channel, std::uint8_t key) {
  Key& last = keys_[channel][key];
  if (!last.open && last.owed == 0) {
    ++stray_note_offs_;
    return;
  }
  Note& note = note_of(last);
  const bool own = note.start < tick_ || last.owed == 0;
  if (!last.open || !own) --last.owed;
  if (!own) return;
  note.end = std::max(tick_, note.start + 1);
  last.open = false;
}

void TrackReader::finish() {
  std::size_t hung = 0;
  for (auto& channel : keys_) {
    for (Key& key : channel) {
      if (!key.open) continue;
      ++hung;
      note_of(key).end = std::max(tick_, note_of(key).start + 1);
    }
  }
  const auto report = [&](std::size_t count, const char* what) {
    if (count > 0) file_.warnings.add(start_offset_, what, count);
  };
  report(hung, "notes still sounding at the end of their track, closed there: ");
  report(repeated_onsets_, "notes struck twice at the same tick, merged: ");
  report(stray_note_offs_, "note-offs without a sounding note, ignored: ");
  for (Part& part : track_.parts) {
    auto& notes = part.notes;
    if (repeated_onsets_ > 0) {
      std::erase_if(notes, [](const Note& note) { return note.end == note.start; });
    }
    // Onsets come in time order, so only the notes of one tick need sorting.
    for (auto begin = notes.begin(); begin != notes.end();) {
      auto end = begin + 1;
      while (end != notes.end() && end->start == begin->start) ++end;
      if (end - begin > 1) std::sort(begin, end);
      begin = end;
    }
  }
  std::erase_if(track_.parts, [](const Part& part) { return part.notes.empty(); });
}

}  // namespace

TrackContents read_track(ByteReader reader, FileContents& file) {
  return TrackReader(reader, file).read();
}

}  // namespace cadenza::midi
