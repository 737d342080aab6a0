// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "music/midi_bytes.h"

namespace cadenza {
namespace {

using test::bytes;
using test::file;
using test::header;
using test::kNote;
using test::mentions;
using test::only_notes;
using test::read;
using test::track;
using Notes = std::vector<Note>;

TEST(ReadMidi, ReadsNotesTempoMetreKeyAndName) {
  const std::string conductor = bytes({0, 0xFF, 0x51, 3, 0x07, 0xA1, 0x21}) +  // 500,001
                                bytes({0, 0xFF, 0x58, 4, 6, 3, 24, 8}) +       // 6/8
                                bytes({0, 0xFF, 0x59, 2, 0xFD, 1});            // C minor
  const std::string lead = bytes({0, 0xFF, 0x03, 4}) + "lead" + bytes({0, 0xC2, 5, 0x81, 0x00}) +
                           bytes({0x92, 60, 100, 96, 0x82, 60, 0});
  const MidiFile midi = read(header(1, 2, 480) + track(conductor) + track(lead));
  EXPECT_EQ(midi.format, 1);
  EXPECT_TRUE(midi.warnings.empty());
  const Score expected{.ticks_per_quarter = 480,
                       .tracks = {{"lead", 2, 5, {{128, 224, 60, 100}}, {}}},
                       .tempos = {{0, 500001}},
                       .time_signatures = {{0, 6, 8}},
                       .key_signatures = {{0, -3, true}}};
  EXPECT_EQ(midi.score, expected);
}

TEST(ReadMidi, RunningStatusNeedsNoStatusBytes) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 96, 60, 0, 4, 62, 70, 96, 62, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 96, 60, 64}, {100, 196, 62, 70}}));
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(ReadMidi, RunningStatusSurvivesMetaEvents) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 50, 0xFF, 1, 1, 'x', 46, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 96, 60, 64}}));
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(ReadMidi, RunningStatusSurvivesSysex) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 50, 0xF0, 2, 1, 0xF7, 46, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 96, 60, 64}}));
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(ReadMidi, SkipsSysexAndItsContinuation) {
  const MidiFile midi =
      read(file(bytes({0, 0xF0, 2, 0x90, 60, 10, 0xF7, 3, 0x90, 61, 0xF7}) + kNote));
  EXPECT_EQ(only_notes(midi), (Notes{{10, 106, 60, 64}}));
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(ReadMidi, SkipsOtherChannelMessages) {
  const std::string others = bytes({0, 0xA0, 60, 1, 0, 0xB0, 7, 100, 0, 0xD0, 33, 0, 0xE0, 0, 64});
  const MidiFile midi = read(file(others + kNote));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 96, 60, 64}}));
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(ReadMidi, SkipsSystemMessagesWithAWarning) {
  const MidiFile midi = read(file(bytes({0, 0xF8, 0, 0xF2, 1, 2, 0, 0xF1, 3, 0, 0xF3, 4}) + kNote));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 96, 60, 64}}));
  EXPECT_EQ(midi.warnings.size(), 4u);
}

TEST(ReadMidi, ChannelTenIsPercussion) {
  const MidiFile midi = read(file(bytes({0, 0x99, 36, 64, 9, 0x89, 36, 0})));
  ASSERT_EQ(midi.score.tracks.size(), 1u);
  EXPECT_TRUE(midi.score.tracks[0].is_drum());
}

TEST(ReadMidi, SplitsAChunkByChannelAndProgram) {
  const std::string events = bytes({0, 0xC1, 7}) + bytes({0, 0x91, 60, 64, 9, 0x81, 60, 0}) +
                             bytes({0, 0xC1, 3}) + bytes({0, 0x91, 62, 64, 9, 0x81, 62, 0}) +
                             bytes({0, 0x90, 64, 64, 9, 0x80, 64, 0}) + bytes({0, 0xC1, 7}) +
                             bytes({0, 0x91, 65, 64, 9, 0x81, 65, 0});
  const MidiFile midi = read(file(events));
  const std::vector<Track> expected = {{"", 0, 0, {{18, 27, 64, 64}}, {}},
                                       {"", 1, 3, {{9, 18, 62, 64}}, {}},
                                       {"", 1, 7, {{0, 9, 60, 64}, {27, 36, 65, 64}}, {}}};
  EXPECT_EQ(midi.score.tracks, expected);
}

TEST(ReadMidi, NotesBeforeAProgramChangeTakeTheProgramOfAnotherChunk) {
  const std::string setup = bytes({0, 0xC0, 40, 10, 0xC0, 41});
  const std::string notes = bytes({0, 0x90, 60, 64, 5, 60, 0}) + bytes({5, 60, 64, 5, 60, 0}) +
                            bytes({5, 0xC0, 42, 0, 0x90, 60, 64, 5, 60, 0});
  const MidiFile midi = read(header(1, 2) + track(setup) + track(notes));
  const std::vector<Track> expected = {{"", 0, 40, {{0, 5, 60, 64}}, {}},
                                       {"", 0, 41, {{10, 15, 60, 64}}, {}},
                                       {"", 0, 42, {{20, 25, 60, 64}}, {}}};
  EXPECT_EQ(midi.score.tracks, expected);
}

TEST(ReadMidi, AChunkKeepsItsProgramWhateverAnotherSays) {
  const std::string other = bytes({0, 0xC0, 40, 10, 0xC0, 41});
  const MidiFile midi =
      read(header(1, 2) + track(other) + track(bytes({0, 0xC0, 7, 20}) + kNote.substr(1)));
  ASSERT_EQ(midi.score.tracks.size(), 1u);
  EXPECT_EQ(midi.score.tracks[0].program, 7);
}

TEST(ReadMidi, TempoMetreAndKeyCountInEveryTrack) {
  const std::string first = bytes({96, 0xFF, 0x51, 3, 0x09, 0x27, 0xC0});
  const std::string second = bytes({0, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20}) +
                             bytes({0, 0xFF, 0x58, 4, 3, 2, 24, 8}) +
                             bytes({0, 0xFF, 0x59, 2, 2, 0}) + kNote;
  const Score score = read(header(1, 2) + track(first) + track(second)).score;
  EXPECT_EQ(score.tempos, (std::vector<Tempo>{{0, 500000}, {96, 600000}}));
  EXPECT_EQ(score.time_signatures, (std::vector<TimeSignature>{{0, 3, 4}}));
  EXPECT_EQ(score.key_signatures, (std::vector<KeySignature>{{0, 2, false}}));
}

TEST(ReadMidi, TheLastOfSeveralTemposAtOneTickCounts) {
  const std::string events = bytes({0, 0xFF, 0x51, 3, 0, 0, 1, 0, 0xFF, 0x51, 3, 0, 0, 2}) + kNote;
  EXPECT_EQ(read(file(events)).score.tempos, (std::vector<Tempo>{{0, 2}}));
}

TEST(ReadMidi, StrikingAKeyAgainEndsTheOlderNote) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 10, 60, 70, 10, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 10, 60, 64}, {10, 20, 60, 70}}));
}

TEST(ReadMidi, TheSameKeyOnAnotherChannelSoundsOn) {
  const MidiFile midi = read(
      file(bytes({0, 0x90, 60, 64, 10, 0x91, 60, 70, 10, 0x90, 60, 0}) + bytes({10, 0x91, 60, 0})));
  ASSERT_EQ(midi.score.tracks.size(), 2u);
  EXPECT_EQ(midi.score.tracks[0].notes, (Notes{{0, 20, 60, 64}}));
  EXPECT_EQ(midi.score.tracks[1].notes, (Notes{{10, 30, 60, 70}}));
}

TEST(ReadMidi, ANoteOffAfterTheNextOnsetAtItsTickEndsTheOlderNote) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 10, 60, 70, 0, 60, 0, 10, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 10, 60, 64}, {10, 20, 60, 70}}));
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(ReadMidi, NoteOffsOfOverlappingNotesPairFirstInFirstOut) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 10, 60, 70, 10, 60, 80, 10, 60, 0}) +
                                  bytes({10, 60, 0, 10, 60, 0, 10, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 10, 60, 64}, {10, 20, 60, 70}, {20, 50, 60, 80}}));
  EXPECT_TRUE(mentions(midi.warnings, "note-offs without a sounding note, ignored: 1 "));
}

TEST(ReadMidi, WithoutTheNoteOffOfTheOlderNoteTheFirstEndsTheYounger) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 10, 60, 70, 10, 60, 0, 10, 60, 80}) +
                                  bytes({10, 60, 0, 10, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 10, 60, 64}, {10, 20, 60, 70}, {30, 40, 60, 80}}));
  EXPECT_TRUE(mentions(midi.warnings, "note-offs without a sounding note, ignored: 1 "));
}

TEST(ReadMidi, TheLastOfSeveralOnsetsAtOneTickCounts) {
  const MidiFile midi = read(file(bytes({5, 0x90, 60, 64, 0, 60, 70, 10, 60, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{5, 15, 60, 70}}));
  EXPECT_TRUE(mentions(midi.warnings, "struck twice at the same tick, merged: 1 "));
}

TEST(ReadMidi, ANoteWithoutLengthLastsOneTick) {
  const MidiFile midi = read(file(bytes({5, 0x90, 60, 64, 0, 60, 0, 10, 62, 64, 3, 62, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{5, 6, 60, 64}, {15, 18, 62, 64}}));
}

TEST(ReadMidi, ATrackWhoseNotesWereAllReplacedIsLeftOut) {
  const MidiFile midi =
      read(file(bytes({0, 0xC0, 1, 0, 0x90, 60, 64, 0, 0xC0, 2, 0, 0x90, 60, 65, 9, 60, 0})));
  ASSERT_EQ(midi.score.tracks.size(), 1u);
  EXPECT_EQ(midi.score.tracks[0].program, 2);
}

TEST(ReadMidi, HungNotesEndWithTheirTrack) {
  const MidiFile midi = read(file(bytes({0, 0x90, 60, 64, 30, 0xB0, 7, 1})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 30, 60, 64}}));
  EXPECT_TRUE(mentions(midi.warnings, "closed there: 1 "));
}

TEST(ReadMidi, StrayNoteOffsAreIgnoredWithAWarning) {
  const MidiFile midi = read(file(bytes({0, 0x80, 50, 0, 0, 0x80, 51, 0}) + kNote));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 96, 60, 64}}));
  EXPECT_TRUE(mentions(midi.warnings, "note-offs without a sounding note, ignored: 2 "));
}

TEST(ReadMidi, NotesOfOneTickAreSortedByPitch) {
  const MidiFile midi = read(
      file(bytes({0, 0x90, 67, 64, 0, 60, 64, 0, 64, 64, 9, 60, 0}) + bytes({0, 64, 0, 0, 67, 0})));
  EXPECT_EQ(only_notes(midi), (Notes{{0, 9, 60, 64}, {0, 9, 64, 64}, {0, 9, 67, 64}}));
}

TEST(ReadMidi, ThePedalBelongsToTheChannel) {
  const std::string left = bytes({0, 0xB0, 64, 127, 50, 64, 63}) + kNote;
  const std::string other = bytes({0, 0x91, 60, 64, 9, 60, 0});
  const Score score = read(header(1, 3) + track(left) + track(kNote) + track(other)).score;
  ASSERT_EQ(score.tracks.size(), 3u);
  const std::vector<PedalEvent> pedal = {{0, true}, {50, false}};
  EXPECT_EQ(score.tracks[0].pedal, pedal);
  EXPECT_EQ(score.tracks[1].pedal, pedal);
  EXPECT_TRUE(score.tracks[2].pedal.empty());
}

TEST(ReadMidi, DropsPedalEventsThatChangeNothing) {
  const Score score =
      read(file(bytes({0, 0xB0, 64, 0, 5, 64, 64, 5, 64, 100, 5, 64, 10, 5, 64, 0}) + kNote)).score;
  EXPECT_EQ(score.tracks.at(0).pedal, (std::vector<PedalEvent>{{5, true}, {15, false}}));
}

TEST(ReadMidi, LatinNamesBecomeUtf8) {
  const MidiFile midi = read(file(bytes({0, 0xFF, 3, 3, 'f', 0xE9, 'e'}) + kNote));
  EXPECT_EQ(midi.score.tracks.at(0).name,
            "f\xC3\xA9"
            "e");
}

TEST(ReadMidi, KeepsUtf8NamesAndCutsLongOnesBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 127; ++i) name += "\xC3\xA9";
  const std::string meta = bytes({0, 0xFF, 3, 0x82, 0x00});  // 256 bytes
  const MidiFile midi = read(file(meta + name + "\xC3\xA9" + kNote));
  EXPECT_EQ(midi.score.tracks.at(0).name, name);
}

TEST(ReadMidi, SmpteDivisionKeepsDurationsInSeconds) {
  // 25 frames a second, 40 ticks a frame: 96 ticks are 96 ms. The tempo does not apply.
  const std::string tempo = bytes({0, 0xFF, 0x51, 3, 0, 0, 1});
  const MidiFile midi = read(header(0, 1, 0xE728) + track(tempo + kNote));
  EXPECT_EQ(midi.score.ticks_per_quarter, 500);
  EXPECT_DOUBLE_EQ(TempoMap(midi.score).seconds(96), 0.096);
  EXPECT_TRUE(mentions(midi.warnings, "SMPTE"));
}

TEST(ReadMidi, TwentyNineFramesAreThirtyInAThousandAndOneMilliseconds) {
  const MidiFile midi = read(header(0, 1, 0xE303) + track(kNote));
  EXPECT_DOUBLE_EQ(TempoMap(midi.score).seconds(90), 1.001);
  EXPECT_TRUE(midi.warnings.empty());
}

TEST(ReadMidi, AnOddNumberOfTicksASecondBecomesSixtyQuartersAMinute) {
  const MidiFile midi = read(header(0, 1, 0xE703) + track(kNote));  // 75 ticks a second
  EXPECT_EQ(midi.score.ticks_per_quarter, 75);
  EXPECT_DOUBLE_EQ(TempoMap(midi.score).seconds(75), 1.0);
}

}  // namespace
}  // namespace cadenza
