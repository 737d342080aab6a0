// SPDX-License-Identifier: Apache-2.0
// Generative adversarial networks from outside: train, info, generate, evaluate.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/midi.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

/// Four bars of quarter notes, another scale in every file.
void write_tunes(const fs::path& folder, int count) {
  constexpr std::int64_t kQuarter = 480;
  fs::create_directories(folder);
  for (int file = 0; file < count; ++file) {
    Track track;
    for (int beat = 0; beat < 16; ++beat) {
      const auto pitch = static_cast<std::uint8_t>(60 + (file * 5 + beat * 2) % 12);
      track.notes.push_back({beat * kQuarter, (beat + 1) * kQuarter, pitch, 80});
    }
    Score score;
    score.tracks = {track};
    write_midi_file(score, folder / message("t", file, ".mid"));
  }
}

void prepare(const TmpDir& dir, const std::string& tokenizer = "melody") {
  write_tunes(dir / "in", 12);
  const Finished finished = run({"prepare", "--input", dir / "in", "--tokenizer", tokenizer,
                                 "--output", dir / "d.st", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
}

Finished train(const TmpDir& dir, const std::string& output,
               const std::vector<std::string>& more = {}, const std::string& steps = "30",
               const std::string& pretraining = "10") {
  std::vector<std::string> all = {"train",      "--model",
                                  "gan",        "--data",
                                  dir / "d.st", "--output",
                                  dir / output, "--hidden",
                                  "12",         "--embedding",
                                  "6",          "--batch-size",
                                  "4",          "--epochs",
                                  "0",          "--steps",
                                  steps,        "--pretraining",
                                  pretraining,  "--discriminator-pretraining",
                                  "5",          "--discriminator-cell",
                                  "rnn_tanh",   "--discriminator-hidden",
                                  "8",          "--threads",
                                  "1",          "--json"};
  all.insert(all.end(), more.begin(), more.end());
  return run(all);
}

TEST(GanProgram, TrainsGeneratesAndTellsApart) {
  TmpDir dir;
  prepare(dir);
  const Finished trained = train(dir, "run");
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_NE(trained.err.find("discriminator"), std::string::npos) << "what each player loses";
  std::ifstream in(dir / "run/loss.svg");
  const std::string picture((std::istreambuf_iterator<char>(in)), {});
  for (const char* curve : {"likelihood", "generator", "discriminator", "valid"}) {
    EXPECT_NE(picture.find(curve), std::string::npos) << curve;
  }
  const std::string model = dir / "run/model.safetensors";
  const auto info = parse_json(run({"info", model, "--json"}).out);
  EXPECT_EQ(info["model"], "gan");
  EXPECT_EQ(info["discriminator"]["cell"], "rnn_tanh");
  EXPECT_EQ(info["generator"]["hidden"], 12);
  EXPECT_EQ(info["parameters"], parse_json(trained.out)["parameters"]);

  const Finished generated = run({"generate", "--model", model, "--num-outputs", "3", "--num-steps",
                                  "64", "--output", dir / "out", "--json"});
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  EXPECT_TRUE(fs::exists(dir / "out/0002.mid"));
  expect_failure(run({"generate", "--model", model, "--grid", "4", "--output", dir / "o"}), 2,
                 "--grid is for models that make notes as numbers");

  const Finished judged = run({"evaluate", "--model", model, "--data", dir / "d.st", "--split",
                               "train", "--num-outputs", "8", "--num-steps", "64", "--json"});
  ASSERT_EQ(judged.exit_code, 0) << judged.err;
  const auto found = parse_json(judged.out);
  EXPECT_GT(found["nll_per_token"].get<double>(), 0.0);
  for (const char* which : {"real_right", "generated_right"}) {
    const double share = found["discriminator"][which].get<double>();
    EXPECT_TRUE(share >= 0.0 && share <= 1.0) << share;
  }
  EXPECT_TRUE(found.contains("self_similarity"));
  EXPECT_EQ(found["features"].size(), 9U);
}

TEST(EventGanProgram, TrainsGeneratesAndTellsApart) {
  TmpDir dir;
  prepare(dir);
  const Finished trained =
      run({"train",     "--model",     "event_gan", "--data",        dir / "d.st", "--output",
           dir / "run", "--hidden",    "10",        "--batch-size",  "4",          "--epochs",
           "0",         "--steps",     "20",        "--pretraining", "10",         "--events",
           "12",        "--word-loss", "squared",   "--json"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string model = dir / "run/model.safetensors";
  EXPECT_EQ(parse_json(run({"info", model, "--json"}).out)["model"], "event_gan");
  const Finished generated =
      run({"generate", "--model", model, "--num-outputs", "3", "--output", dir / "out", "--json"});
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  EXPECT_EQ(parse_json(generated.out)["tokens"], 36);
  EXPECT_GT(read_midi_file(dir / "out/0002.mid").score.note_count(), 0U);
  expect_failure(run({"generate", "--model", model, "--primer", "60", "--output", dir / "o"}), 2,
                 "--primer does not apply to a model that makes notes as numbers");
  const Finished placed = run(
      {"generate", "--model", model, "--grid", "2", "--quarters", "3", "--output", dir / "placed"});
  ASSERT_EQ(placed.exit_code, 0) << placed.err;
  const Score score = read_midi_file(dir / "placed/0000.mid").score;
  ASSERT_GT(score.note_count(), 0U);
  for (const Note& note : score.tracks.back().notes) {
    EXPECT_EQ(note.start % 240, 0);
    EXPECT_LE(note.end, 3 * 480);
  }
  expect_failure(run({"generate", "--model", model, "--quarters", "0", "--output", dir / "o"}), 2,
                 "--quarters is 0, expected more than 0");
  const Finished judged = run({"evaluate", "--model", model, "--data", dir / "d.st", "--split",
                               "train", "--num-outputs", "8", "--json"});
  ASSERT_EQ(judged.exit_code, 0) << judged.err;
  const auto found = parse_json(judged.out);
  EXPECT_TRUE(found["discriminator"].contains("generated_right"));
  EXPECT_EQ(found["features"].size(), 9U);
  expect_failure(run({"evaluate", "--model", model, "--data", dir / "d.st"}), 2,
                 "--num-outputs is 0, expected 2 or more");
}

TEST(GanProgram, ResumesToTheSameModel) {
  TmpDir dir;
  prepare(dir);
  ASSERT_EQ(train(dir, "whole").exit_code, 0);
  ASSERT_EQ(train(dir, "parts", {}, "12").exit_code, 0);
  const Finished resumed = train(dir, "parts", {"--resume"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_file(dir / "whole/model.safetensors"), read_file(dir / "parts/model.safetensors"));
  expect_failure(train(dir, "parts", {"--resume"}, "30", "11"), 1, "holds another architecture");
}

TEST(GanProgram, RefusesWhatItCannotLearnFrom) {
  TmpDir dir;
  prepare(dir);
  expect_failure(train(dir, "run", {"--discount", "2"}), 2, "discount is 2, expected 0 to 1");
  expect_failure(train(dir, "run", {"--head", "nade"}), 2, "has no --dense and no --head");
  TmpDir frames;
  prepare(frames, "pianoroll");
  expect_failure(train(frames, "run"), 2, "--model gan reads tokens, but");
  EXPECT_FALSE(fs::exists(frames / "run"));
}

}  // namespace
}  // namespace cadenza::test
