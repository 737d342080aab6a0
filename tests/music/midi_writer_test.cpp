// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <string>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "music/midi_bytes.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::bytes;
using test::header;
using Notes = std::vector<Note>;

std::string written(const Score& score, const MidiWriteOptions& options = {}) {
  const std::vector<std::byte> data = write_midi(score, options);
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

Score again(const Score& score, const MidiWriteOptions& options = {}) {
  const MidiFile midi = read_midi(write_midi(score, options));
  EXPECT_TRUE(midi.warnings.empty()) << midi.warnings.front();
  EXPECT_EQ(midi.format, options.format);
  return midi.score;
}

Score with_notes(Notes notes) {
  Score score;
  score.tracks.push_back({"", 0, 0, std::move(notes), {}});
  return score;
}

Score small_score() {
  Score score = with_notes({{0, 96, 60, 64}, {0, 96, 64, 64}});
  score.ticks_per_quarter = 96;
  score.tracks[0].name = "a";
  score.tempos = {{0, 500000}};
  score.time_signatures = {{0, 6, 8}};
  score.key_signatures = {{200, -3, true}};
  return score;
}

TEST(WriteMidi, WritesTheBytesOfTheStandard) {
  const std::string conductor = bytes({0, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20}) +
                                bytes({0, 0xFF, 0x58, 4, 6, 3, 12, 8}) +
                                bytes({0x81, 0x48, 0xFF, 0x59, 2, 0xFD, 1});
  const std::string part = bytes({0, 0xFF, 0x03, 1, 'a', 0, 0xC0, 0}) +
                           bytes({0, 0x90, 60, 64, 0, 64, 64, 96, 60, 0, 0, 64, 0});
  EXPECT_EQ(written(small_score()), header(1, 2, 96) + test::track(conductor) + test::track(part));
}

TEST(WriteMidi, WithoutRunningStatusEveryMessageHasItsStatus) {
  const std::string part =
      bytes({0, 0xFF, 0x03, 1, 'a', 0, 0xC0, 0, 0, 0x90, 60, 64, 0, 0x90, 64, 64}) +
      bytes({96, 0x80, 60, 64, 0, 0x80, 64, 64});
  const std::string data = written(small_score(), {.format = 1, .running_status = false});
  EXPECT_NE(data.find(test::track(part)), std::string::npos);
}

TEST(WriteMidi, Format0MergesEverythingIntoOneTrack) {
  Score score = small_score();
  score.tracks.push_back({"b", 3, 9, {{0, 50, 40, 80}}, {{10, true}, {20, false}}});
  const std::string data = written(score, {.format = 0});
  EXPECT_EQ(data.substr(0, 14), header(0, 1, 96));
  score.tracks[0].name.clear();
  score.tracks[1].name.clear();
  EXPECT_EQ(again(score, {.format = 0}), score);
}

TEST(WriteMidi, Format0KeepsTracksOfOneChannelApartByProgram) {
  Score score;
  score.tracks.push_back({"", 0, 5, {{0, 50, 60, 64}, {100, 150, 60, 64}}, {}});
  score.tracks.push_back({"", 0, 7, {{0, 50, 72, 64}, {100, 150, 72, 64}}, {}});
  EXPECT_EQ(again(score, {.format = 0}), score);
}

TEST(WriteMidi, RepeatedNotesThatTouchStayTwoNotes) {
  const Score score = with_notes({{0, 10, 60, 64}, {10, 20, 60, 64}, {20, 21, 60, 64}});
  EXPECT_EQ(again(score), score);
}

TEST(WriteMidi, KeepsTimesOnBothSidesOfEachLengthOfDeltaTime) {
  Notes notes;
  for (const std::int64_t tick : {127, 128, 16383, 16384, 2097151, 2097152, 268435453}) {
    notes.push_back({tick, tick + 1, 60, 64});
  }
  const Score apart = with_notes(notes);
  EXPECT_EQ(again(apart), apart);
  for (const Note& note : notes) {
    const Score alone = with_notes({note});
    EXPECT_EQ(again(alone), alone);
  }
}

TEST(WriteMidi, MoreTracksThanChannelsStayApart) {
  Score score;
  for (int i = 0; i < 40; ++i) {
    const auto channel = static_cast<std::uint8_t>(i % 16);
    const auto program = static_cast<std::uint8_t>(i % 3);
    score.tracks.push_back({"part " + std::to_string(i),
                            channel,
                            program,
                            {{i, i + 100, 60, 64}, {200, 300, 60, 64}},
                            {}});
  }
  EXPECT_EQ(again(score), score);
}

TEST(WriteMidi, OnASharedChannelEveryChordNamesItsProgram) {
  Score score;
  score.tracks.push_back({"", 4, 0x11, {{0, 9, 60, 64}, {0, 9, 64, 64}, {20, 29, 60, 64}}, {}});
  score.tracks.push_back({"", 4, 0x12, {{10, 19, 60, 64}, {30, 39, 60, 64}}, {}});
  score.tracks.push_back({"", 5, 0x13, {{10, 19, 60, 64}, {30, 39, 60, 64}}, {}});
  const std::string data = written(score);
  const auto count = [&](const std::string& message) {
    int found = 0;
    for (std::size_t at = 0; (at = data.find(message, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  EXPECT_EQ(count(bytes({0xC4, 0x11})), 2);
  EXPECT_EQ(count(bytes({0xC4, 0x12})), 2);
  EXPECT_EQ(count(bytes({0xC5, 0x13})), 1);
}

TEST(WriteMidi, CutsOverlappingNotesWhereTheirKeyIsStruckAgain) {
  const Score score = with_notes({{0, 100, 60, 64}, {50, 60, 60, 70}, {55, 200, 60, 80}});
  EXPECT_EQ(again(score).tracks.at(0).notes,
            (Notes{{0, 50, 60, 64}, {50, 55, 60, 70}, {55, 200, 60, 80}}));
}

TEST(WriteMidi, OfNotesThatStartTogetherTheLongestStays) {
  const Score score = with_notes({{0, 10, 60, 64}, {0, 30, 60, 70}, {0, 20, 60, 80}});
  EXPECT_EQ(again(score).tracks.at(0).notes, (Notes{{0, 30, 60, 70}}));
}

TEST(WriteMidi, SortsWhatIsNotSorted) {
  Score score = with_notes({{50, 60, 62, 64}, {0, 10, 60, 64}});
  score.tempos = {{100, 400000}, {0, 500000}};
  Score sorted = score;
  std::swap(sorted.tracks[0].notes[0], sorted.tracks[0].notes[1]);
  std::swap(sorted.tempos[0], sorted.tempos[1]);
  EXPECT_EQ(again(score), sorted);
}

TEST(WriteMidi, MergesThePedalsOfOneChannel) {
  Score score;
  score.tracks.push_back({"", 0, 0, {{0, 9, 60, 64}}, {{0, true}, {10, false}}});
  score.tracks.push_back({"", 0, 1, {{0, 9, 70, 64}}, {{5, true}, {20, false}, {30, true}}});
  const Score result = again(score);
  const std::vector<PedalEvent> merged = {{0, true}, {10, false}, {30, true}};
  EXPECT_EQ(result.tracks.at(0).pedal, merged);
  EXPECT_EQ(result.tracks.at(1).pedal, merged);
}

TEST(WriteMidi, ALiftAndPressAtOneTickSurvive) {
  Score score = with_notes({{0, 9, 60, 64}});
  score.tracks[0].pedal = {{0, true}, {5, false}, {5, true}, {8, false}};
  EXPECT_EQ(again(score), score);
}

TEST(WriteMidi, AScoreWithoutTracksIsAFile) {
  Score score;
  score.tempos = {{0, 400000}};
  EXPECT_EQ(again(score), score);
  EXPECT_EQ(again(score, {.format = 0}), score);
}

TEST(WriteMidi, RefusesWhatTheFormatCannotHold) {
  const std::int64_t last = max_midi_tick(480);
  const auto refused = [](const std::string& what, const Score& score,
                          const MidiWriteOptions& options = {}) {
    EXPECT_THROW(write_midi(score, options), ArgumentError) << what;
  };
  refused("format 2", small_score(), {.format = 2});
  refused("negative start", with_notes({{-1, 5, 60, 64}}));
  refused("no length", with_notes({{5, 5, 60, 64}}));
  refused("too late", with_notes({{5, last + 1, 60, 64}}));
  refused("pitch", with_notes({{0, 5, 128, 64}}));
  refused("velocity 0", with_notes({{0, 5, 60, 0}}));
  refused("velocity 128", with_notes({{0, 5, 60, 128}}));
  const auto changed = [](auto change) {
    Score score = small_score();
    change(score);
    return score;
  };
  refused("no ticks", changed([](Score& s) { s.ticks_per_quarter = 0; }));
  refused("many ticks", changed([](Score& s) { s.ticks_per_quarter = 32768; }));
  refused("channel", changed([](Score& s) { s.tracks[0].channel = 16; }));
  refused("program", changed([](Score& s) { s.tracks[0].program = 128; }));
  refused("pedal tick", changed([](Score& s) { s.tracks[0].pedal = {{-1, true}}; }));
  refused("tempo 0", changed([](Score& s) { s.tempos = {{0, 0}}; }));
  refused("slow tempo", changed([](Score& s) { s.tempos = {{0, 1 << 24}}; }));
  refused("tempo tick", changed([](Score& s) { s.tempos = {{-1, 500000}}; }));
  refused("metre 3/6", changed([](Score& s) { s.time_signatures = {{0, 3, 6}}; }));
  refused("metre 3/0", changed([](Score& s) { s.time_signatures = {{0, 3, 0}}; }));
  refused("metre 3/128", changed([](Score& s) { s.time_signatures = {{0, 3, 128}}; }));
  refused("metre 0/4", changed([](Score& s) { s.time_signatures = {{0, 0, 4}}; }));
  refused("metre 256/4", changed([](Score& s) { s.time_signatures = {{0, 256, 4}}; }));
  refused("key", changed([](Score& s) { s.key_signatures = {{0, 8, false}}; }));
  refused("tracks", changed([](Score& s) { s.tracks.resize(65535, s.tracks[0]); }));
}

TEST(WriteMidiFile, WritesWhatReadMidiFileReads) {
  const test::TmpDir folder;
  write_midi_file(small_score(), folder / "a.mid");
  EXPECT_EQ(read_midi_file(folder / "a.mid").score, small_score());
  EXPECT_THROW(write_midi_file(small_score(), folder / "absent" / "a.mid"), FileError);
}

// Random Scores, dense enough that keys of one Track collide.
class RandomScore {
 public:
  explicit RandomScore(std::uint32_t seed) : random_(seed) {}

  Score make() {
    Score score;
    score.ticks_per_quarter = static_cast<int>(below(1, 32767));
    const std::int64_t length = below(1, 400);
    for (std::int64_t t = below(0, 20); t > 0; --t) score.tracks.push_back(track(length));
    for (std::int64_t tick = 0; below(0, 3) > 0; tick += below(1, 99)) {
      score.tempos.push_back({tick, static_cast<std::uint32_t>(below(1, 0xFFFFFF))});
      score.time_signatures.push_back(
          {tick, static_cast<int>(below(1, 255)), 1 << static_cast<int>(below(0, 6))});
      score.key_signatures.push_back({tick, static_cast<int>(below(-7, 7)), below(0, 1) == 1});
    }
    return score;
  }

 private:
  std::int64_t below(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }
  std::uint8_t byte(std::int64_t least, std::int64_t most) {
    return static_cast<std::uint8_t>(below(least, most));
  }
  Track track(std::int64_t length) {
    Track track;
    track.name = below(0, 1) == 0 ? "" : "part";
    track.channel = byte(0, 15);
    track.program = byte(0, 2);
    for (std::int64_t n = below(1, 60); n > 0; --n) {
      const std::int64_t start = below(0, length);
      const std::uint8_t pitch = below(0, 9) == 0 ? byte(0, 127) : byte(60, 64);
      track.notes.push_back({start, start + below(1, 50), pitch, byte(1, 127)});
    }
    std::sort(track.notes.begin(), track.notes.end());
    return track;
  }

  std::mt19937 random_;
};

// The documented normal form, one note at a time: a note that starts with a longer one of its key
// goes, the others end at the next onset of their key.
Notes normal_form(const Notes& notes) {
  Notes result;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    Note note = notes[i];
    bool stays = true;
    for (std::size_t j = 0; j < notes.size(); ++j) {
      if (notes[j].pitch != note.pitch || j == i) continue;
      if (notes[j].start > note.start) note.end = std::min(note.end, notes[j].start);
      if (notes[j].start == note.start && j > i) stays = false;  // sorted: j is at least as long
    }
    if (stays) result.push_back(note);
  }
  std::sort(result.begin(), result.end());
  return result;
}

TEST(WriteMidi, RandomScoresReadBackInNormalForm) {
  RandomScore random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const Score score = random.make();
    Score expected = score;
    for (Track& track : expected.tracks) track.notes = normal_form(track.notes);
    ASSERT_EQ(again(score, {.format = 1, .running_status = trial % 2 == 0}), expected) << trial;
  }
}

TEST(WriteMidi, RandomScoresReadBackFromFormat0ByChannelAndProgram) {
  RandomScore random(2);
  for (int trial = 0; trial < 300; ++trial) {
    Score score = random.make();
    // Keys collide over all Tracks of a channel; velocities tell the programs apart.
    std::map<std::uint8_t, Notes> of_channel;
    for (Track& track : score.tracks) {
      for (Note& note : track.notes) {
        note.velocity = static_cast<std::uint8_t>(1 + track.program);
        of_channel[track.channel].push_back(note);
      }
    }
    std::map<std::pair<std::uint8_t, std::uint8_t>, Notes> expected;
    for (auto& [channel, notes] : of_channel) {
      std::sort(notes.begin(), notes.end());
      for (const Note& note : normal_form(notes)) {
        expected[{channel, static_cast<std::uint8_t>(note.velocity - 1)}].push_back(note);
      }
    }
    const Score result = again(score, {.format = 0, .running_status = trial % 2 == 0});
    ASSERT_EQ(result.tempos, score.tempos);
    std::map<std::pair<std::uint8_t, std::uint8_t>, Notes> got;
    for (const Track& track : result.tracks) got[{track.channel, track.program}] = track.notes;
    ASSERT_EQ(got, expected) << trial;
  }
}

}  // namespace
}  // namespace cadenza
