// SPDX-License-Identifier: Apache-2.0
// Infilling from outside: train an infiller and a language model, infill with both, evaluate, info.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kBar = 4 * 480;
constexpr const char* kVoices[] = {"soprano", "alto", "tenor", "bass"};

/// Six bars of quarter notes in four voices, another key in every file.
Score chorale(int file) {
  Score score;
  score.tempos = {{0, 600000}};
  for (int voice = 0; voice < 4; ++voice) {
    Track track = {.name = kVoices[voice],
                   .channel = static_cast<std::uint8_t>(voice),
                   .program = 19,
                   .notes = {},
                   .pedal = {}};
    for (int beat = 0; beat < 24; ++beat) {
      const int pitch = 72 - 10 * voice + (file * 2 + beat * (voice + 1)) % 7;
      track.notes.push_back({beat * 480, beat * 480 + 480, static_cast<std::uint8_t>(pitch),
                             static_cast<std::uint8_t>(70 + voice)});
    }
    score.tracks.push_back(track);
  }
  return score;
}

class InfillProgram : public testing::Test {
 protected:
  void train(const std::string& tokenizer, const std::vector<std::string>& more) {
    fs::create_directories(dir_ / "in");
    for (int i = 0; i < 6; ++i) write_midi_file(chorale(i), dir_ / message("in/c", i, ".mid"));
    ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", tokenizer, "--split",
                   "0.7,0,0.3", "--output", dir_ / "d.st"})
                  .exit_code,
              0);
    std::vector<std::string> all = {"train",    "--data",       dir_ / "d.st", "--output",
                                    dir_ / "r", "--hidden",     "24",          "--embedding",
                                    "12",       "--batch-size", "2",           "--learning-rate",
                                    "0.01",     "--epochs",     "0",           "--steps"};
    all.insert(all.end(), more.begin(), more.end());
    const Finished finished = run(all);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }

  Finished infill(const std::vector<std::string>& more, const std::string& folder = "out") const {
    std::vector<std::string> all = {"infill", "--model", model(), "--output", dir_ / folder};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
  nlohmann::json infilled(std::vector<std::string> more, const std::string& folder = "out") const {
    more.emplace_back("--json");
    const Finished finished = infill(more, folder);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return parse_json(finished.out);
  }

  Score read(const std::string& file) const { return read_midi_file(dir_ / file).score; }
  std::string model() const { return dir_ / "r/model.safetensors"; }
  std::string tune() const { return dir_ / "in/c0.mid"; }
  TmpDir dir_;
};

TEST_F(InfillProgram, WritesBarsAndVoicesAnew) {
  train("chorale", {"30", "--model", "infiller", "--word-dropout", "1"});
  const auto made = infilled({"--input", tune(), "--bars", "3-4", "--keep", "SB", "--num-outputs",
                              "3", "--seed", "5", "--sweeps", "4"});
  EXPECT_EQ(made.at("method"), "pseudo-Gibbs sampling");
  EXPECT_EQ(made.at("places"), 2 * 32);
  ASSERT_EQ(made.at("files").size(), 3U);
  const Score before = read("in/c0.mid");
  const Score after = read("out/0001.mid");
  ASSERT_EQ(after.tracks.size(), 4U);
  EXPECT_EQ(after.tempos, before.tempos);
  EXPECT_EQ(after.tracks[0], before.tracks[0]);
  EXPECT_EQ(after.tracks[3], before.tracks[3]);
  for (const std::size_t voice : {1, 2}) {
    EXPECT_NE(after.tracks[voice].notes, before.tracks[voice].notes);
    const auto outside = [&](Track track) {
      std::erase_if(track.notes, [](const Note& note) {
        return note.start >= 2 * kBar && note.end <= 4 * kBar;
      });
      return track;
    };
    EXPECT_EQ(outside(after.tracks[voice]), outside(before.tracks[voice]));
  }
  infilled({"--input", tune(), "--bars", "3-4", "--voices", "AT", "--num-outputs", "1",
            "--first-sequence", "1", "--seed", "5", "--sweeps", "4"},
           "again");
  EXPECT_EQ(read_text(dir_ / "again/0001.mid"), read_text(dir_ / "out/0001.mid"));
  EXPECT_NE(read_text(dir_ / "out/0000.mid"), read_text(dir_ / "out/0001.mid"));

  const std::vector<std::string> evaluate = {"evaluate",    "--model", model(), "--data",
                                             dir_ / "d.st", "--keep",  "S"};
  std::vector<std::string> as_json = evaluate;
  as_json.emplace_back("--json");
  const auto found = parse_json(run(as_json).out);
  EXPECT_EQ(found.at("voices").size(), 4U);
  EXPECT_GT(found.at("given").at("nll_per_token"), 0.0);
  EXPECT_NE(run(evaluate).out.find("NLL per token given S"), std::string::npos);
  const auto told = parse_json(run({"info", model(), "--json"}).out);
  EXPECT_EQ(told.at("model"), "infiller");
  EXPECT_EQ(told.at("voices"), 4);
  EXPECT_EQ(told.at("period"), 4);
  expect_failure(run({"generate", "--model", model(), "--output", dir_ / "x"}), 1,
                 "is of the kind infiller, which fills in music");
}

TEST_F(InfillProgram, HarmonisesAMelodyAndWritesFromNothing) {
  train("chorale", {"150", "--model", "infiller", "--word-dropout", "1"});
  Score melody = chorale(7);
  melody.tracks.resize(1);
  melody.tracks[0].name = "my tune";
  melody.tracks[0].notes[3].end -= 7;  // played a little freely
  write_midi_file(melody, dir_ / "tune.mid");
  infilled({"--input", dir_ / "tune.mid", "--keep", "S", "--sweeps", "3"});
  const Score after = read("out/0000.mid");
  ASSERT_EQ(after.tracks.size(), 4U);
  EXPECT_EQ(after.tracks[0].notes, melody.tracks[0].notes);
  EXPECT_EQ(after.tracks[0].name, "my tune");
  for (std::size_t voice = 1; voice < 4; ++voice)
    EXPECT_EQ(after.tracks[voice].name, kVoices[voice]);

  const auto made = infilled({"--length", "4", "--num-outputs", "2", "--qpm", "90"}, "new");
  EXPECT_EQ(made.at("places"), 4 * 16 * 4);
  const Score written = read("new/0001.mid");
  EXPECT_GT(written.note_count(), 20U);
  EXPECT_LE(written.end(), 4 * kBar);
  EXPECT_EQ(written.tempos.front().microseconds_per_quarter, 666667U);
}

TEST_F(InfillProgram, SaysWhatItCannotFill) {
  train("chorale", {"2", "--model", "infiller"});
  const auto refuses = [&](const std::vector<std::string>& more, int exit_code, const char* text) {
    expect_failure(infill(more, "x"), exit_code, text);
    EXPECT_FALSE(fs::exists(dir_ / "x"));
  };
  refuses({"--input", tune(), "--bars", "5-4"}, 2, "--bars is 5-4, expected FIRST-LAST");
  refuses({"--input", tune(), "--bars", "0-4"}, 2, "--bars is 0-4");
  refuses({"--input", tune(), "--bars", "x"}, 2, "--bars");
  refuses({"--input", tune(), "--bars", "6-7"}, 1, "c0.mid: has 6 bars, --bars asks for 6-7");
  refuses({"--input", tune(), "--voices", "AX"}, 1, "there is no voice 'X', the model has SATB");
  refuses({"--input", tune(), "--keep", "SATB"}, 1, "nothing in the region can change");
  refuses({"--input", tune(), "--keep", "S", "--voices", "A"}, 2, "exclude each other");
  refuses({"--length", "4", "--bars", "1-2"}, 2, "--bars speaks of an --input");
  refuses({}, 2, "expected either --input");
  refuses({"--input", tune(), "--length", "3"}, 2, "expected either --input");
  refuses({"--input", tune(), "--candidates", "3"}, 2, "--candidates does not apply");
  refuses({"--input", tune(), "--sweeps", "0"}, 2, "--sweeps is 0");
  refuses({"--input", tune(), "--track", "flute"}, 1, "has no track 'flute'");
  refuses({"--input", dir_ / "none.mid"}, 1, "none.mid");
  Score crowd = chorale(0);
  crowd.tracks[0].notes.insert(crowd.tracks[0].notes.begin(), {0, 480, 80, 90});
  write_midi_file(crowd, dir_ / "crowd.mid");
  refuses({"--input", dir_ / "crowd.mid"}, 1, "does not fit the grid of chorale");
  const Finished trained = run({"train", "--model", "infiller", "--data", dir_ / "d.st", "--output",
                                dir_ / "y", "--word-dropout", "2"});
  expect_failure(trained, 2, "word_dropout is 2");
}

TEST_F(InfillProgram, ChoosesAmongContinuationsOfALanguageModel) {
  train("remi", {"20"});
  const auto made = infilled({"--input", tune(), "--bars", "3", "--num-outputs", "2",
                              "--candidates", "5", "--temperature", "0.9"});
  EXPECT_EQ(made.at("method"), "sampling-importance-resampling");
  EXPECT_EQ(made.at("effective_candidates").size(), 2U);
  const Score before = read("in/c0.mid");
  const Score after = read("out/0000.mid");
  for (std::size_t t = 0; t < 4; ++t) {
    const auto outside = [&](Track track) {
      std::erase_if(track.notes, [](const Note& note) {
        return note.start >= 2 * kBar && note.end <= 3 * kBar;
      });
      return track.notes;
    };
    EXPECT_EQ(outside(after.tracks[t]), outside(before.tracks[t]));
  }
  infilled({"--input", tune(), "--bars", "3", "--first-sequence", "1", "--candidates", "5",
            "--temperature", "0.9", "--batch-size", "2"},
           "again");
  EXPECT_EQ(read_text(dir_ / "again/0001.mid"), read_text(dir_ / "out/0001.mid"));
  expect_failure(infill({"--input", tune(), "--keep", "S"}, "x"), 2,
                 "--keep does not apply to a language model");
  expect_failure(infill({"--input", tune(), "--label", "jig"}, "x"), 1,
                 "--label: the model is not conditioned on label");
  expect_failure(infill({"--length", "4"}, "x"), 2, "--length does not apply");
  EXPECT_FALSE(fs::exists(dir_ / "x"));
}

TEST_F(InfillProgram, WritesTheTrackAskedForAndKnowsItsModels) {
  train("melody", {"20"});
  expect_failure(infill({"--input", tune(), "--bars", "2"}, "x"), 1,
                 "has 4 tracks with notes, expected one for a model of melody");
  infilled({"--input", tune(), "--bars", "2", "--track", "tenor", "--candidates", "4"});
  const Score before = read("in/c0.mid");
  const Score after = read("out/0000.mid");
  ASSERT_EQ(after.tracks.size(), 4U);
  for (const std::size_t t : {0, 1, 3}) EXPECT_EQ(after.tracks[t], before.tracks[t]);
  EXPECT_EQ(after.tracks[2].name, "tenor");
  ASSERT_EQ(
      run({"prepare", "--input", dir_ / "in", "--tokenizer", "remi", "--output", dir_ / "remi.st"})
          .exit_code,
      0);
  expect_failure(
      run({"train", "--model", "infiller", "--data", dir_ / "remi.st", "--output", dir_ / "y"}), 2,
      "which stand on none; expected melody or chorale");
}

TEST_F(InfillProgram, RefusesModelsThatDoNotFillIn) {
  train("melody", {"2", "--model", "vae", "--latent", "4"});
  expect_failure(infill({"--input", tune()}, "x"), 1,
                 "is of the kind vae, expected infiller or lm");
}

}  // namespace
}  // namespace cadenza::test
