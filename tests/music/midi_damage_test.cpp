// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "music/midi_bytes.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::big;
using test::bytes;
using test::chunk;
using test::file;
using test::header;
using test::kEnd;
using test::kNote;
using test::mentions;
using test::only_notes;
using test::read;
using test::track;
using Notes = std::vector<Note>;

const Notes kOneNote = {{0, 96, 60, 64}};

TEST(DamagedMidi, SkipsJunkBeforeTheHeader) {
  const MidiFile midi = read("some junk" + file(kNote));
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(mentions(midi.warnings, "skipped 9 bytes before the MThd header (at byte 0)"));
}

TEST(DamagedMidi, SkipsJunkBetweenChunks) {
  const MidiFile midi = read(header(1, 2) + track(kNote) + bytes({1, 2, 3}) + track(kNote));
  EXPECT_EQ(midi.score.note_count(), 2u);
  EXPECT_TRUE(mentions(midi.warnings, "skipped 3 bytes between chunks (at byte 34)"));
}

TEST(DamagedMidi, SkipsUnknownChunksSilently) {
  const MidiFile midi =
      read(header(0, 1) + chunk("XFIH", "MTrk\x90") + track(kNote) + chunk("ABCD", ""));
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(DamagedMidi, SkipsTheRestOfALongHeader) {
  const std::string long_header = "MThd" + big(8, 4) + big(0, 2) + big(1, 2) + big(96, 2) + "ab";
  const MidiFile midi = read(long_header + track(kNote));
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(DamagedMidi, MendsAWrongHeaderLength) {
  std::string data = file(kNote);
  for (const int length : {0, 5, 0xFF}) {
    data[4] = static_cast<char>(length == 0xFF ? 0xFF : 0);
    data[7] = static_cast<char>(length);
    const MidiFile midi = read(data);
    EXPECT_EQ(only_notes(midi), kOneNote);
    EXPECT_TRUE(mentions(midi.warnings, "MThd header of"));
  }
}

TEST(DamagedMidi, ReadsFilesInARiffWrapper) {
  const std::string midi_data = file(kNote);
  const auto little = [](std::size_t value) {
    const std::string text = big(value, 4);
    return std::string(text.rbegin(), text.rend());
  };
  // A chunk of odd length with its padding, the data, and a chunk after it.
  const std::string body = "RMIDDISP" + little(3) + "abc" + bytes({0}) + "data" +
                           little(midi_data.size()) + midi_data + "LIST" + little(4) + "INFO";
  const MidiFile midi = read("RIFF" + little(body.size()) + body);
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(DamagedMidi, MendsAWrongTrackCount) {
  for (const std::size_t announced : {0u, 1u, 9u}) {
    const MidiFile midi = read(header(1, announced) + track(kNote) + track(kNote));
    EXPECT_EQ(midi.score.note_count(), 2u);
    EXPECT_TRUE(mentions(midi.warnings, "found 2"));
  }
}

TEST(DamagedMidi, ReadsFormat2AndUnknownFormatsAsFormat1) {
  const std::string tracks = track(kNote) + track(kNote);
  EXPECT_EQ(read(header(2, 2) + tracks).format, 2);
  EXPECT_EQ(read(header(77, 2) + tracks).format, 1);
  EXPECT_EQ(read(header(77, 2) + tracks).score.tracks.size(), 2u);
  EXPECT_TRUE(mentions(read(header(77, 2) + tracks).warnings, "format 77"));
}

TEST(DamagedMidi, MendsAMissingEndOfTrack) {
  const MidiFile midi = read(header(1, 2) + chunk("MTrk", kNote) + track(kNote));
  EXPECT_EQ(midi.score.note_count(), 2u);
  EXPECT_TRUE(mentions(midi.warnings, "without an end-of-track"));
}

TEST(DamagedMidi, IgnoresWhatFollowsTheEndOfTrack) {
  const MidiFile midi = read(header(1, 2) + chunk("MTrk", kNote + kEnd + kNote) + track(kNote));
  EXPECT_EQ(midi.score.note_count(), 2u);
}

TEST(DamagedMidi, MendsATrackLengthThatIsTooSmall) {
  const std::string events = kNote + kEnd;
  const MidiFile midi = read(header(1, 2) + "MTrk" + big(3, 4) + events + track(kNote));
  EXPECT_EQ(midi.score.note_count(), 2u);
  EXPECT_TRUE(mentions(midi.warnings, "track length is 3 but 12 bytes were read (at byte 18)"));
}

TEST(DamagedMidi, MendsATrackLengthThatIsTooLarge) {
  const std::string events = kNote + kEnd;
  for (const std::size_t length : {std::size_t{14}, std::size_t{0xFFFFFFFF}}) {
    const MidiFile midi = read(header(1, 2) + "MTrk" + big(length, 4) + events + track(kNote));
    EXPECT_EQ(midi.score.note_count(), 2u) << length;
    EXPECT_TRUE(mentions(midi.warnings, "track length"));
  }
}

TEST(DamagedMidi, LimitsDataBytesToSevenBits) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 0xFF, 96, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 96, 60, 127}}));
  EXPECT_TRUE(mentions(midi.warnings, "data byte 255 limited to 127 (at byte 25)"));
}

TEST(DamagedMidi, LeavesOutNotesWithoutAKey) {
  const MidiFile midi = read(file(bytes({0, 0x90, 0xBC, 64, 0, 60, 64, 96, 60, 0})));
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(mentions(midi.warnings, "note 188 is not a key"));
}

TEST(DamagedMidi, SkipsToTheFirstStatusByte) {
  const MidiFile midi = read(file(bytes({0, 1, 2}) + kNote.substr(1)));
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(mentions(midi.warnings, "expected a status byte, skipped 2 bytes"));
}

TEST(DamagedMidi, IgnoresImpossibleTempoMetreAndKey) {
  const MidiFile midi = read(file(bytes({0, 0xFF, 0x51, 3, 0, 0, 0, 0, 0xFF, 0x51, 2, 9, 9}) +
                                  bytes({0, 0xFF, 0x58, 4, 0, 2, 24, 8, 0, 0xFF, 0x58, 1, 4}) +
                                  bytes({0, 0xFF, 0x58, 4, 4, 7, 24, 8}) +
                                  bytes({0, 0xFF, 0x59, 2, 8, 0, 0, 0xFF, 0x59, 2, 0xF8, 0}) +
                                  bytes({0, 0xFF, 0x59, 2, 0, 2}) + kNote));
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(midi.score.tempos.empty());
  EXPECT_TRUE(midi.score.time_signatures.empty());
  EXPECT_EQ(midi.warnings.size(), 8u);
  EXPECT_TRUE(midi.score.key_signatures.empty());
}

TEST(DamagedMidi, KeepsWhatCameBeforeANumberOfFiveBytes) {
  const MidiFile midi =
      read(header(1, 2) + track(kNote + bytes({0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x90, 62, 64})) +
           track(kNote));
  EXPECT_EQ(midi.score.note_count(), 2u);
  EXPECT_TRUE(mentions(midi.warnings, "more than four bytes (at byte 30)"));
}

TEST(DamagedMidi, KeepsWhatCameBeforeASysexThatNeverEnds) {
  const MidiFile midi = read(file(kNote + bytes({0, 0xF0, 0x7F, 1, 2})));
  EXPECT_EQ(only_notes(midi), kOneNote);
  EXPECT_TRUE(mentions(midi.warnings, "kept what came before"));
}

TEST(DamagedMidi, StopsATrackAtTheLastPossibleTick) {
  // One tick a quarter: the last tick is 1,000,000. The note ends at 96, 999,904 ticks before it.
  const auto second_note_after = [](int last_byte) {
    const std::string note = bytes({0xBD, 0x83, last_byte, 0x90, 62, 64});
    return read(header(1, 2, 1) + track(kNote + note) + track(kNote));
  };
  const MidiFile before = second_note_after(0x5F);
  EXPECT_EQ(before.score.tracks.at(0).notes, (Notes{{0, 96, 60, 64}, {999999, 1000000, 62, 64}}));
  const MidiFile at = second_note_after(0x60);
  EXPECT_EQ(at.score.tracks.at(0).notes, kOneNote);
  EXPECT_TRUE(mentions(at.warnings, "note at the last possible tick"));
  const MidiFile after = second_note_after(0x61);
  EXPECT_EQ(after.score.note_count(), 2u);  // the other track is read
  EXPECT_TRUE(mentions(after.warnings, "beyond tick 1000000"));
}

TEST(DamagedMidi, TheListOfWarningsStaysShort) {
  std::string events;
  for (int i = 0; i < 100; ++i) events += bytes({0, 0xF8});
  const MidiFile midi = read(file(events + kNote));
  ASSERT_EQ(midi.warnings.size(), 21u);
  EXPECT_EQ(midi.warnings.back(), "... and 80 more");
}

struct Refused {
  const char* name;
  std::string data;
  std::size_t offset;
  const char* reason;
};

TEST(DamagedMidi, RefusesWhatHasNoHeaderOrNoTrack) {
  const std::vector<Refused> cases = {
      {"empty", "", 0, "empty"},
      {"text", "hello, this is not music", 0, "no MThd"},
      {"tracks without header", track(kNote), 0, "no MThd"},
      {"header cut off", header(0, 1).substr(0, 11), 10, "ends too early"},
      {"no ticks", header(0, 1, 0) + track(kNote), 12, "ticks per quarter"},
      {"unknown frames", header(0, 1, 0xEC04) + track(kNote), 12, "frames a second"},
      {"no ticks a frame", header(0, 1, 0xE700) + track(kNote), 12, "ticks a frame"},
      {"no track", header(0, 0), 14, "without a track"},
      {"only junk after the header", header(0, 1) + "1234567890", 24, "without a track"},
      {"track header cut off", header(0, 1) + "MTrk" + bytes({0, 0}), 14, "without a track"},
  };
  for (const Refused& refused : cases) {
    try {
      read(refused.data);
      ADD_FAILURE() << refused.name << " was read";
    } catch (const FormatError& error) {
      EXPECT_EQ(error.offset(), refused.offset) << refused.name;
      EXPECT_NE(error.reason().find(refused.reason), std::string::npos)
          << refused.name << ": " << error.what();
    }
  }
}

TEST(ReadMidiFile, NamesTheFileThatCannotBeUsed) {
  const test::TmpDir folder;
  std::ofstream(folder / "empty.mid");
  try {
    read_midi_file(folder / "empty.mid");
    FAIL() << "read an empty file";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.what(), (folder / "empty.mid").string() + ": MIDI file is empty (at byte 0)");
  }
  EXPECT_THROW(read_midi_file(folder / "absent.mid"), FileError);
}

// A file with everything in it, about 500 bytes.
std::string rich_file() {
  Score score{.ticks_per_quarter = 96,
              .tracks = {},
              .tempos = {{0, 500000}, {300, 400000}},
              .time_signatures = {{0, 3, 4}},
              .key_signatures = {{0, -2, true}}};
  for (int t = 0; t < 3; ++t) {
    Track track{"part", static_cast<std::uint8_t>(t), static_cast<std::uint8_t>(5 * t), {}, {}};
    for (int i = 0; i < 20; ++i) {
      const auto pitch = static_cast<std::uint8_t>(60 + 5 * t + i % 5);
      track.notes.push_back({20 * i, 20 * i + 30, pitch, static_cast<std::uint8_t>(64 + i)});
    }
    track.pedal = {{40, true}, {90, false}};
    score.tracks.push_back(track);
  }
  const std::vector<std::byte> data = write_midi(score);
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

bool has_track_chunk(const std::string& data) {
  const std::size_t at = data.find("MTrk");
  return at != std::string::npos && at + 8 <= data.size();
}

TEST(DamagedMidi, AFileCutAnywhereKeepsTheNotesBeforeTheCut) {
  const std::string data = rich_file();
  const Score whole = read(data).score;
  std::size_t kept = 0;
  for (std::size_t size = 0; size <= data.size(); ++size) {
    const std::string part = data.substr(0, size);
    if (!has_track_chunk(part)) {
      EXPECT_THROW(read(part), FormatError) << size;
      continue;
    }
    const Score score = read(part).score;
    ASSERT_GE(score.note_count(), kept) << size;  // never fewer than one byte before
    kept = score.note_count();
    ASSERT_LE(score.tracks.size(), whole.tracks.size());
    for (std::size_t t = 0; t < score.tracks.size(); ++t) {
      const Notes& notes = score.tracks[t].notes;
      ASSERT_LE(notes.size(), whole.tracks[t].notes.size()) << size;
      for (std::size_t i = 0; i < notes.size(); ++i) {
        const Note& original = whole.tracks[t].notes[i];
        ASSERT_EQ(notes[i].start, original.start) << size;
        ASSERT_EQ(notes[i].pitch, original.pitch) << size;
        ASSERT_LE(notes[i].end, original.end) << size;  // closed at the cut if it hung
      }
    }
  }
  EXPECT_EQ(kept, whole.note_count());
}

// What every Score from outside must satisfy, and what writing it must preserve.
void expect_sound(const MidiFile& midi) {
  const std::int64_t last = max_midi_tick(midi.score.ticks_per_quarter);
  for (const Track& track : midi.score.tracks) {
    ASSERT_FALSE(track.notes.empty());
    ASSERT_TRUE(std::is_sorted(track.notes.begin(), track.notes.end()));
    for (const Note& note : track.notes) {
      ASSERT_TRUE(note.start >= 0 && note.start < note.end && note.end <= last);
      ASSERT_TRUE(note.pitch < 128 && note.velocity >= 1 && note.velocity < 128);
    }
  }
  ASSERT_EQ(read_midi(write_midi(midi.score)).score, midi.score);
}

TEST(DamagedMidi, RandomDamageIsReadOrRefused) {
  const std::string original = rich_file();
  std::mt19937 random(20240817);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  int readable = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::string data = original;
    for (std::size_t damage = 1 + below(8); damage > 0; --damage) {
      const std::size_t at = below(data.size());
      switch (below(3)) {
        case 0:
          data[at] = static_cast<char>(below(256));
          break;
        case 1:
          data.erase(at, 1 + below(4));
          break;
        default:
          data.insert(at, data.substr(below(data.size()), 1 + below(8)));
          break;
      }
    }
    try {
      const MidiFile midi = read(data);
      ASSERT_NO_FATAL_FAILURE(expect_sound(midi)) << "trial " << trial;
      ++readable;
    } catch (const FormatError& error) {
      ASSERT_LE(error.offset(), data.size());
    }
  }
  EXPECT_GT(readable, 3000);
}

}  // namespace
}  // namespace cadenza
