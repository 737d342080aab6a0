// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>

#include "cadenza/dataset.h"
#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kBar = 4 * 480;

/// Eight bars: a quarter note a beat in track "Tune" from bar `first` on, a chord a bar in "Piano"
/// from bar 0 on, other pitches in every file.
Score tune_and_piano(int file, int first) {
  Track tune = {"Tune", 0, 0, {}, {}};
  Track piano = {"Piano", 1, 0, {}, {}};
  for (int bar = 0; bar < 8; ++bar) {
    const int root = 48 + (file * 5 + bar * 7) % 12;
    for (int beat = 0; beat < 4 && bar >= first; ++beat) {
      const auto pitch = static_cast<std::uint8_t>(root + 12 + (beat * (file + 2)) % 10);
      tune.notes.push_back({bar * kBar + beat * 480, bar * kBar + beat * 480 + 480, pitch, 80});
    }
    for (const int third : {0, 4, 7}) {
      const auto pitch = static_cast<std::uint8_t>(root + third);
      piano.notes.push_back({bar * kBar, (bar + 1) * kBar, pitch, 80});
    }
  }
  Score score;
  score.tempos = {{0, 600000}};
  score.tracks = {tune, piano};
  return score;
}

void write_tunes(const fs::path& folder, int count, int first = 0) {
  fs::create_directories(folder);
  for (int i = 0; i < count; ++i) {
    write_midi_file(tune_and_piano(i, first), folder / message("t", i, ".mid"));
  }
}

Finished prepare(const TmpDir& dir, std::vector<std::string> more) {
  more.insert(more.begin(), {"prepare", "--output", dir / "data.safetensors", "--json"});
  return run(more);
}

/// Pairs of both tracks as melody and remi tokens.
Finished prepare_tracks(const TmpDir& dir, std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--input", dir / "in", "--source-track", "tune", "--target-track",
                           "PIANO", "--source-tokenizer", "melody", "--tokenizer", "remi"});
  return prepare(dir, more);
}

void expect_usage_error(const Finished& finished, const std::string& text) {
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find(text), std::string::npos) << finished.err;
}

TEST(PreparePairs, OfTwoTracks) {
  TmpDir dir;
  write_tunes(dir / "in", 10);
  const Finished finished = prepare_tracks(dir);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Dataset data = load_dataset(dir / "data.safetensors");
  ASSERT_TRUE(data.pairs.has_value());
  EXPECT_EQ(data.pairs->tokenizer_name, "melody");
  EXPECT_EQ(data.pairs->track, "tune");
  EXPECT_EQ(data.pairs->bars, 0);
  EXPECT_EQ(data.tokenizer_name, "remi");
  EXPECT_EQ(data[Split::train].size(), 8U);
  for (const Piece& piece : data[Split::train]) {
    EXPECT_EQ(piece.source.size(), 8U * 16U);
    const auto piano = make_tokenizer("remi", data.tokenizer_settings)->decode(piece.sequence);
    EXPECT_EQ(piano.note_count(), 8U * 3U);
  }
}

// A bar in which one of them is silent has nothing to go with it.
TEST(PreparePairs, BeginWhereBothSound) {
  TmpDir dir;
  write_tunes(dir / "in", 3, 3);
  ASSERT_EQ(prepare_tracks(dir, {"--bars", "2", "--split", "1,0,0"}).exit_code, 0);
  const Dataset data = load_dataset(dir / "data.safetensors");
  // Bars 0 and 1: no tune; bar 3; bars 4 and 5; bars 6 and 7.
  ASSERT_EQ(data[Split::train].size(), 3U * 3U);
  const auto tokenizer = make_tokenizer("remi", data.tokenizer_settings);
  for (const Piece& piece : data[Split::train]) {
    const std::size_t bars = piece.source.size() / 16;
    EXPECT_EQ(tokenizer->decode(piece.sequence).note_count(), bars * 3) << piece.name;
  }
  EXPECT_EQ(data[Split::train].front().source.size(), 16U);
}

TEST(PreparePairs, TransposesBothSidesOfTrainingPairs) {
  TmpDir dir;
  write_tunes(dir / "in", 10);
  ASSERT_EQ(prepare_tracks(dir, {"--transpose", "0,2"}).exit_code, 0);
  const Dataset data = load_dataset(dir / "data.safetensors");
  ASSERT_EQ(data[Split::train].size(), 16U);
  EXPECT_EQ(data[Split::valid].size(), 1U);
  const auto first_pitch = [](const Sequence& sequence, const Tokenizer& tokenizer) {
    return int{tokenizer.decode(sequence).tracks.front().notes.front().pitch};
  };
  const auto melody = make_tokenizer("melody", data.pairs->tokenizer_settings);
  const auto remi = make_tokenizer("remi", data.tokenizer_settings);
  const Piece& plain = data[Split::train][0];
  const Piece& moved = data[Split::train][1];
  EXPECT_EQ(moved.name, plain.name + " +2");
  EXPECT_EQ(first_pitch(moved.source, *melody), first_pitch(plain.source, *melody) + 2);
  EXPECT_EQ(first_pitch(moved.sequence, *remi), first_pitch(plain.sequence, *remi) + 2);
}

TEST(PreparePairs, OfTwoFolders) {
  TmpDir dir;
  for (const char* side : {"tunes", "chords"}) {
    fs::create_directories(dir / side);
    for (int i = 0; i < 4; ++i) {
      Score score = tune_and_piano(i, 0);
      score.tracks = {score.tracks[side == std::string("tunes") ? 0 : 1]};
      write_midi_file(score, fs::path(dir / side) / message("t", i, ".mid"));
    }
  }
  fs::remove(dir / "chords/t2.mid");
  const Finished finished =
      prepare(dir, {"--source", dir / "tunes", "--target", dir / "chords", "--source-tokenizer",
                    "melody", "--tokenizer", "remi", "--split", "1,0,0"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("accepted"), 3);
  ASSERT_EQ(result.at("rejected").size(), 1U);
  EXPECT_EQ(result.at("rejected")[0].at("reason"),
            "there is no " + (dir / "chords/t2.mid").string());
  EXPECT_EQ(load_dataset(dir / "data.safetensors")[Split::train].size(), 3U);
}

TEST(PreparePairs, OfVoices) {
  TmpDir dir;
  std::ofstream(dir / "c.json") << R"({"train": [[[72, 64, 55, 48], [72, 64, 57, 48],
    [74, 65, 57, 41], [-1, 65, 57, 41]]], "valid": [], "test": [[[60, 55, 52, 48]]]})";
  const Finished finished =
      prepare(dir, {"--input", dir / "c.json", "--source-voices", "S", "--target-voices", "ATB"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Dataset data = load_dataset(dir / "data.safetensors");
  EXPECT_EQ(data.pairs->tokenizer_settings, "voices=S");
  EXPECT_EQ(data.tokenizer_settings, "voices=ATB");
  ASSERT_EQ(data[Split::train].size(), 1U);
  ASSERT_EQ(data[Split::test].size(), 1U);
  const Piece& piece = data[Split::train].front();
  EXPECT_EQ(piece.source.tokens, (std::vector<std::int32_t>{72 - 34, 0, 74 - 34, 1}));
  EXPECT_EQ(piece.sequence.tokens, (std::vector<std::int32_t>{64 - 34, 55 - 34, 48 - 34, 0, 57 - 34,
                                                              0, 65 - 34, 0, 41 - 34, 0, 0, 0}));
}

/// A .npy of `rows` rows of four bytes, in version 1 of the format.
void write_npy(const fs::path& path, int rows, int first) {
  std::string header =
      message("{'descr': '|u1', 'fortran_order': False, 'shape': (", rows, ", 4)}");
  header.resize(117, ' ');
  header += '\n';
  std::ofstream npy(path, std::ios::binary);
  npy << "\x93NUMPY" << '\x01' << '\x00' << static_cast<char>(header.size()) << '\x00' << header;
  for (int i = 0; i < rows * 4; ++i) npy << static_cast<char>(first + i % 7);
}

TEST(PreparePairs, OfTokenNumbers) {
  TmpDir dir;
  write_npy(dir / "a.npy", 10, 0);
  write_npy(dir / "b.npy", 10, 5);
  ASSERT_EQ(
      prepare(dir, {"--source", dir / "a.npy", "--target", dir / "b.npy", "--source-tokenizer",
                    "ids:vocabulary=7", "--tokenizer", "ids:vocabulary=12"})
          .exit_code,
      0);
  const Dataset data = load_dataset(dir / "data.safetensors");
  EXPECT_EQ(data.vocabulary, 12);
  EXPECT_EQ(data.pairs->vocabulary, 7);
  ASSERT_EQ(data[Split::train].size(), 8U);
  for (const Piece& piece : data[Split::train]) {
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(piece.sequence.tokens[i], piece.source.tokens[i] + 5);
    }
  }
  const Finished small =
      prepare(dir, {"--source", dir / "a.npy", "--target", dir / "b.npy", "--source-tokenizer",
                    "ids:vocabulary=6", "--tokenizer", "ids:vocabulary=12"});
  EXPECT_EQ(small.exit_code, 1);
  EXPECT_NE(small.err.find("a.npy: holds the number 6, the vocabulary is 6"), std::string::npos)
      << small.err;
  write_npy(dir / "b.npy", 9, 5);
  const Finished fewer = prepare(dir, {"--source", dir / "a.npy", "--target", dir / "b.npy"});
  EXPECT_NE(fewer.err.find("has 10 rows, " + (dir / "b.npy").string() + " has 9"),
            std::string::npos)
      << fewer.err;
}

TEST(PreparePairs, MissingTrackIsARejectionThatListsTheTracks) {
  TmpDir dir;
  write_tunes(dir / "in", 1);
  const Finished finished = prepare(dir, {"--input", dir / "in", "--source-track", "flute",
                                          "--target-track", "piano", "--tokenizer", "remi"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("has no track 'flute', its tracks are 'Tune', 'Piano'"),
            std::string::npos)
      << finished.err;
}

TEST(PreparePairs, RefuseContradictions) {
  TmpDir dir;
  write_tunes(dir / "in", 1);
  const std::string in = dir / "in";
  expect_usage_error(prepare(dir, {"--source", in, "--tokenizer", "remi"}),
                     "--source and --target belong together, one is missing");
  expect_usage_error(prepare(dir, {"--input", in, "--source-voices", "S"}),
                     "--source-voices and --target-voices belong together");
  expect_usage_error(prepare(dir, {"--source-track", "a", "--target-track", "b"}), "--input");
  expect_usage_error(prepare(dir, {"--input", in, "--source-track", "a", "--target-track", "b"}),
                     "--tokenizer is missing");
  expect_usage_error(prepare_tracks(dir, {"--bars", "-1"}), "--bars is -1, expected 0 or more");
  expect_usage_error(prepare_tracks(dir, {"--stretch", "1,2"}), "--stretch does not apply");
  for (const char* tokenizer : {"pianoroll", "performance"}) {
    expect_usage_error(prepare(dir, {"--input", in, "--source-track", "tune", "--target-track",
                                     "piano", "--tokenizer", tokenizer}),
                       message("--tokenizer ", tokenizer));
  }
  EXPECT_FALSE(fs::exists(dir / "data.safetensors"));
}

/// A model of tune and piano, trained for a moment.
void train_pairs(const TmpDir& dir, int first = 0) {
  write_tunes(dir / "in", 10, first);
  ASSERT_EQ(prepare_tracks(dir, {"--bars", "2"}).exit_code, 0);
  const Finished finished = run({"train", "--model", "seq2seq", "--data", dir / "data.safetensors",
                                 "--output", dir / "run", "--hidden", "12", "--embedding", "8",
                                 "--steps", "3", "--batch-size", "4", "--threads", "1"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
}

Finished transform(const TmpDir& dir, const std::string& output, std::vector<std::string> more) {
  more.insert(more.begin(), {"transform", "--model", dir / "run/model.safetensors", "--output",
                             dir / output, "--num-steps", "60", "--json"});
  return run(more);
}

TEST(Transform, WritesTheSourceWithItsTarget) {
  TmpDir dir;
  train_pairs(dir);
  write_midi_file(tune_and_piano(11, 3), dir / "mine.mid");
  const Finished finished = transform(dir, "out", {"--input", dir / "mine.mid", "--png"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("files")[0], (dir / "out/mine.mid").string());
  EXPECT_EQ(result.at("parts"), 3);
  EXPECT_TRUE(fs::exists(dir / "out/mine.png"));
  const Score score = read_midi_file(dir / "out/mine.mid").score;
  ASSERT_GE(score.tracks.size(), 1U);
  EXPECT_EQ(score.tempos.at(0).microseconds_per_quarter, 600000U);
  // The tune stands where it stood.
  const Track before = tune_and_piano(11, 3).tracks[0];
  const Track& after = score.tracks[0];
  ASSERT_EQ(after.notes.size(), before.notes.size());
  for (std::size_t i = 0; i < after.notes.size(); ++i) {
    EXPECT_EQ(after.notes[i].start * 480 / score.ticks_per_quarter, before.notes[i].start);
    EXPECT_EQ(after.notes[i].pitch, before.notes[i].pitch);
  }
}

TEST(Transform, VersionsDifferAndRepeatThemselves) {
  TmpDir dir;
  train_pairs(dir);
  write_midi_file(tune_and_piano(11, 0), dir / "mine.mid");
  const std::vector<std::string> more = {"--input", dir / "mine.mid", "--num-outputs", "2"};
  ASSERT_EQ(transform(dir, "one", more).exit_code, 0);
  ASSERT_EQ(transform(dir, "two", more).exit_code, 0);
  EXPECT_EQ(read_text(dir / "one/mine-0.mid"), read_text(dir / "two/mine-0.mid"));
  EXPECT_NE(read_text(dir / "one/mine-0.mid"), read_text(dir / "one/mine-1.mid"));
}

TEST(Transform, RefusesWhatItCannotUse) {
  TmpDir dir;
  train_pairs(dir);
  const auto refused = [&](const std::vector<std::string>& more, int code,
                           const std::string& text) {
    const Finished finished = transform(dir, "out", more);
    EXPECT_EQ(finished.exit_code, code);
    EXPECT_NE(finished.err.find(text), std::string::npos) << finished.err;
    EXPECT_FALSE(fs::exists(dir / "out"));
  };
  Score other = tune_and_piano(1, 0);
  other.tracks.erase(other.tracks.begin());
  write_midi_file(other, dir / "piano.mid");
  refused({"--input", dir / "piano.mid"}, 1, "has no track 'tune', its tracks are 'Piano'");
  refused({"--input", dir / "none.mid"}, 1, "none.mid");
  refused({}, 2, "--input");
  refused({"--input", dir / "in", "--beam", "2", "--num-outputs", "2"}, 2, "--beam finds one");
  refused({"--input", dir / "in", "--temperature", "-1"}, 2, "temperature");
  fs::create_directories(dir / "more");
  fs::copy_file(dir / "in/t0.mid", dir / "more/t0.mid");
  refused({"--input", dir / "in", "--input", dir / "more"}, 1, "two inputs are called t0");
}

TEST(EvaluateSeq2Seq, ReportsLikelihoodAndWhatTheModelFinds) {
  TmpDir dir;
  train_pairs(dir);
  const std::vector<std::string> arguments = {
      "evaluate", "--model", dir / "run/model.safetensors", "--data", dir / "data.safetensors",
      "--json"};
  const Finished finished = run(arguments);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("pieces"), 4);
  EXPECT_GT(result.at("nll_per_token"), 0.0);
  EXPECT_GE(result.at("found").at("exact"), 0.0);
  EXPECT_LT(result.at("found").at("log_probability"), 0.0);
  std::vector<std::string> wide = arguments;
  wide.insert(wide.end(), {"--beam", "4"});
  const auto better = parse_json(run(wide).out);
  EXPECT_GE(better.at("found").at("log_probability"), result.at("found").at("log_probability"));
}

TEST(EvaluateSeq2Seq, RefusesOtherData) {
  TmpDir dir;
  train_pairs(dir);
  const auto refused = [&](const std::string& data, const std::string& text) {
    const Finished finished =
        run({"evaluate", "--model", dir / "run/model.safetensors", "--data", data});
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_NE(finished.err.find(text), std::string::npos) << finished.err;
  };
  ASSERT_EQ(run({"prepare", "--input", dir / "in", "--tokenizer", "remi", "--output",
                 dir / "single.safetensors"})
                .exit_code,
            0);
  refused(dir / "single.safetensors", "holds single pieces");
  ASSERT_EQ(run({"prepare", "--input", dir / "in", "--source-track", "tune", "--target-track",
                 "piano", "--tokenizer", "remi", "--output", dir / "other.safetensors"})
                .exit_code,
            0);
  refused(dir / "other.safetensors", "was trained on melody");
}

TEST(InfoSeq2Seq, SaysWhatTheModelReadsAndWrites) {
  TmpDir dir;
  train_pairs(dir);
  const Finished finished = run({"info", dir / "run/model.safetensors", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("model"), "seq2seq");
  EXPECT_EQ(result.at("source_tokenizer"), "melody");
  EXPECT_EQ(result.at("source_track"), "tune");
  EXPECT_EQ(result.at("tokenizer"), "remi");
  EXPECT_EQ(result.at("bars"), 2);
  EXPECT_EQ(result.at("own_tokens"), 0.0);  // what the file says of the architecture is all there
}

TEST(Generate, NamesTheCommandForASeq2SeqModel) {
  TmpDir dir;
  train_pairs(dir);
  const Finished finished =
      run({"generate", "--model", dir / "run/model.safetensors", "--output", dir / "out"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("transform"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace cadenza::test
