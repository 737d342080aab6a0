// SPDX-License-Identifier: Apache-2.0
// Autoencoders from outside: prepare --bars, train, evaluate, info, generate, interpolate.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

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

/// Eight bars of quarter notes, another scale in every file, with a bass of whole notes.
Score tune(int file) {
  Track melody = {"Tune", 0, 0, {}, {}};
  Track bass = {"Bass", 1, 0, {}, {}};
  for (int bar = 0; bar < 8; ++bar) {
    for (int beat = 0; beat < 4; ++beat) {
      const auto pitch = static_cast<std::uint8_t>(60 + (file * 5 + bar + beat * 2) % 12);
      melody.notes.push_back({bar * kBar + beat * 480, bar * kBar + beat * 480 + 480, pitch, 80});
    }
    bass.notes.push_back({bar * kBar, (bar + 1) * kBar, static_cast<std::uint8_t>(40 + bar), 80});
  }
  Score score;
  score.tempos = {{0, 500000}};
  score.tracks = {melody, bass};
  return score;
}

void write_tunes(const fs::path& folder, int count) {
  fs::create_directories(folder);
  for (int i = 0; i < count; ++i) write_midi_file(tune(i), folder / message("t", i, ".mid"));
}

Finished prepare(const TmpDir& dir, const std::vector<std::string>& more = {}) {
  std::vector<std::string> all = {"prepare", "--input",  dir / "in",   "--tokenizer",
                                  "melody",  "--output", dir / "d.st", "--json"};
  all.insert(all.end(), more.begin(), more.end());
  return run(all);
}

Finished train(const TmpDir& dir, const std::vector<std::string>& more) {
  std::vector<std::string> all = {
      "train",        "--data", dir / "d.st",      "--output", dir / "run",   "--json",
      "--hidden",     "48",     "--latent",        "16",       "--embedding", "24",
      "--batch-size", "8",      "--learning-rate", "0.01",     "--kl-weight", "0.02",
      "--seed",       "3",      "--forget-bias",   "1",        "--patience",  "0"};
  all.insert(all.end(), more.begin(), more.end());
  return run(all);
}

/// Two bars of eight tunes each, all for training and all known by heart.
void train_by_heart(const TmpDir& dir, const std::vector<std::string>& more) {
  write_tunes(dir / "in", 8);
  ASSERT_EQ(prepare(dir, {"--bars", "2", "--track", "tune", "--split", "1,0,0"}).exit_code, 0);
  std::vector<std::string> all = {"--model", "vae", "--clip-norm", "1"};
  all.insert(all.end(), more.begin(), more.end());
  const Finished finished = train(dir, all);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
}

std::string model_in(const TmpDir& dir) { return dir / "run/model.safetensors"; }

/// A jig in eighths, in 6/8, or a reel in sixteenths, in 4/4, of four bars.
Score dance(bool jig, int file) {
  const std::int64_t step = jig ? 240 : 120;
  const std::int64_t bar = jig ? 6 * 240 : kBar;
  Track melody = {"Tune", 0, 0, {}, {}};
  for (std::int64_t t = 0; t < 4 * bar; t += step) {
    const auto third = static_cast<int>(t / 480 % 3);
    melody.notes.push_back(
        {t, t + step, static_cast<std::uint8_t>(60 + (file % 4) * 3 + third), 80});
  }
  Score score;
  score.tempos = {{0, 400000}};
  if (jig) score.time_signatures = {{0, 6, 8}};
  score.tracks = {melody};
  return score;
}

/// Two bars of each dance in a model that is told which is which.
void train_styles(const TmpDir& dir) {
  fs::create_directories(dir / "in");
  for (int i = 0; i < 4; ++i) {
    write_midi_file(dance(true, i), dir / message("in/jig", i, ".mid"));
    write_midi_file(dance(false, i), dir / message("in/reel", i, ".mid"));
  }
  ASSERT_EQ(prepare(dir, {"--bars", "2", "--labels", "name", "--split", "1,0,0"}).exit_code, 0);
  const Finished finished =
      train(dir, {"--model", "vae", "--condition", "label", "--steps", "150", "--clip-norm", "1"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
}

TEST(Styles, TurnJigsIntoReels) {
  const TmpDir dir;
  train_styles(dir);
  const Dataset data = load_dataset(dir / "d.st");
  EXPECT_EQ(data.music, (MusicInfo{.bars = 2, .metres = {{0, 6, 8}, {0, 4, 4}}}));
  const auto transform = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"transform",         "--model", model_in(dir),       "--input",
                                    dir / "in/jig1.mid", "--input", dir / "in/jig2.mid", "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  const Finished finished =
      transform({"--to-style", "reel", "--beam", "1", "--output", dir / "out"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto json = parse_json(finished.out);
  EXPECT_EQ(json.at("style"), "reel");
  EXPECT_EQ(json.at("parts"), 4);
  EXPECT_GT(json.at("similarity").get<double>(), json.at("similarity_to_others").get<double>());
  EXPECT_EQ(json.at("others"), 1);
  EXPECT_EQ(json.at("nearest_to_own"), 1.0);
  const Score reel = read_midi_file(dir / "out/jig1.mid").score;
  ASSERT_EQ(reel.time_signatures.size(), 1U);
  EXPECT_EQ(reel.time_signatures[0].numerator, 4);
  EXPECT_EQ(reel.time_signatures[0].denominator, 4);
  EXPECT_EQ(reel.end(), 4 * kBar * reel.ticks_per_quarter / 480);
  ASSERT_EQ(reel.tempos.size(), 1U);
  EXPECT_EQ(reel.tempos[0].microseconds_per_quarter, 400000U);

  // Drawn versions of each input have names of their own, and come back from the same seed.
  const std::vector<std::string> drawn = {"--to-style", "reel",   "--num-outputs",
                                          "2",          "--seed", "5"};
  const auto again = [&](const std::string& folder) {
    std::vector<std::string> all = drawn;
    all.insert(all.end(), {"--output", dir / folder, "--batch-size", folder == "b" ? "1" : "64"});
    EXPECT_EQ(transform(all).exit_code, 0);
    return read_midi_file(dir / (folder + "/jig2-1.mid")).score;
  };
  EXPECT_EQ(again("a"), again("b"));
  EXPECT_EQ(run({"generate", "--model", model_in(dir), "--label", "jig", "--num-outputs", "2",
                 "--output", dir / "new"})
                .exit_code,
            0);
}

TEST(Styles, AreRefusedInOneSentence) {
  const TmpDir dir;
  train_styles(dir);
  const auto transform = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"transform",         "--model",  model_in(dir), "--input",
                                    dir / "in/jig1.mid", "--output", dir / "out"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  expect_failure(transform({"--to-style", "waltz"}), 1,
                 "--to-style: expected one of jig, reel, got \"waltz\"");
  expect_failure(transform({}), 1, "--to-style: expected one of jig, reel, got \"\"");
  expect_failure(transform({"--to-style", "reel", "--beam", "3"}), 2, "--beam above 1");
  expect_failure(transform({"--to-style", "reel", "--target-only"}), 2, "--target-only does not");
  expect_failure(run({"generate", "--model", model_in(dir), "--output", dir / "out"}), 1,
                 "--label: expected one of jig, reel, got \"\"");
  EXPECT_FALSE(fs::exists(dir / "out"));
  // Five bars of 4/4 are more than a piece, cut in twos or not.
  expect_failure(
      run({"interpolate", "--model", model_in(dir), "--from", dir / "in/reel1.mid", "--to",
           dir / "in/reel2.mid", "--label", "reel", "--bars", "4", "--output", dir / "out"}),
      1, "reel1.mid: its first 4 bars have 64 tokens, the model takes up to 32");
  ASSERT_EQ(prepare(dir, {"--bars", "2"}).exit_code, 0);
  expect_failure(train(dir, {"--model", "vae", "--condition", "label"}), 2,
                 "has no labels; 'cadenza prepare --labels' gives them");
  ASSERT_EQ(train(dir, {"--model", "vae", "--steps", "1"}).exit_code, 0);
  expect_failure(transform({"--to-style", "reel"}), 1,
                 "was not told of styles; train --model vae --condition label tells them");
  expect_failure(train(dir, {"--model", "classifier", "--condition", "label"}), 2,
                 "--condition is for --model lm and vae, got classifier");
}

TEST(PrepareBars, CutsEveryPieceAtItsBars) {
  TmpDir dir;
  write_tunes(dir / "in", 5);
  ASSERT_EQ(prepare(dir, {"--bars", "3", "--track", "TUNE", "--transpose", "0,1"}).exit_code, 0);
  const Dataset data = load_dataset(dir / "d.st");
  const auto tokenizer = make_tokenizer("melody", data.tokenizer_settings);
  std::size_t pieces = 0;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    std::map<std::string, std::vector<Sequence>> parts;
    for (const Piece& piece : data[split]) parts[piece.name].push_back(piece.sequence);
    for (const auto& [name, sequences] : parts) {
      pieces += sequences.size();
      ASSERT_EQ(sequences.size(), 3U) << name;
      EXPECT_EQ(sequences[0].size(), 48U);
      EXPECT_EQ(sequences[1].size(), 48U);
      EXPECT_EQ(sequences[2].size(), 32U) << "what is left of eight bars";
      const int file = name[1] - '0';
      const int shift = name.find('+') == std::string::npos ? 0 : 1;
      const Score second = tokenizer->decode(sequences[1]);
      ASSERT_EQ(second.tracks.size(), 1U);
      EXPECT_EQ(second.tracks[0].notes[0].pitch, 60 + (file * 5 + 3) % 12 + shift);
    }
  }
  EXPECT_EQ(pieces, (5U + 3U) * 3U) << "the training pieces twice";
}

TEST(PrepareBars, KeepsPartsOfOneLength) {
  TmpDir dir;
  write_tunes(dir / "in", 5);
  ASSERT_EQ(
      prepare(dir, {"--bars", "3", "--track", "TUNE", "--transpose", "0,1", "--part-steps", "48"})
          .exit_code,
      0);
  const Dataset data = load_dataset(dir / "d.st");
  std::size_t pieces = 0;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    for (const Piece& piece : data[split]) EXPECT_EQ(piece.sequence.size(), 48U);
    pieces += data[split].size();
  }
  EXPECT_EQ(pieces, (5U + 3U) * 2U) << "what is left of eight bars is gone";
  expect_failure(prepare(dir, {"--bars", "3", "--part-steps", "47"}), 1,
                 "has no part of 47 steps, the last one had 32");
  expect_failure(prepare(dir, {"--part-steps", "48"}), 2, "--part-steps is for single pieces cut");
  expect_failure(prepare(dir, {"--bars", "3", "--part-steps", "-1"}), 2,
                 "--part-steps is -1, expected 0 or more");
}

TEST(PrepareBars, RefusesWhatHasNoBarsOrTracks) {
  TmpDir dir;
  write_tunes(dir / "in", 2);
  expect_failure(prepare(dir, {"--bars", "-2"}), 2, "--bars is -2, expected 0 or more");
  expect_failure(prepare(dir, {"--track", "flute"}), 1,
                 "has no track 'flute', its tracks are 'Tune', 'Bass'");
  std::ofstream(dir / "in/f.json") << R"({"train": [[[60], [62]]]})";
  const Finished frames = run({"prepare", "--input", dir / "in/f.json", "--tokenizer", "pianoroll",
                               "--bars", "2", "--output", dir / "d.st"});
  expect_failure(frames, 1, "is no MIDI file, in which --bars");
  EXPECT_FALSE(fs::exists(dir / "d.st"));
}

TEST(VaeProgram, LearnsEvaluatesAndGenerates) {
  TmpDir dir;
  train_by_heart(dir, {"--epochs", "120"});
  const std::vector<std::string> evaluate = {"evaluate",   "--model", model_in(dir), "--data",
                                             dir / "d.st", "--split", "train"};
  std::vector<std::string> as_json = evaluate;
  as_json.emplace_back("--json");
  const Finished measured = run(as_json);
  ASSERT_EQ(measured.exit_code, 0) << measured.err;
  const auto found = parse_json(measured.out);
  EXPECT_EQ(found.at("pieces"), 32);
  EXPECT_EQ(found.at("steps"), 32 * 32);
  EXPECT_GT(found.at("taught_accuracy"), 0.9);
  EXPECT_GT(found.at("free_accuracy"), 0.8);
  EXPECT_GT(found.at("divergence"), 0.0);
  EXPECT_NEAR(found.at("nll_per_token").get<double>(),
              found.at("reconstruction_nll_per_token").get<double>() +
                  found.at("divergence").get<double>() / 32,
              1e-9);
  EXPECT_NE(run(evaluate).out.find("right tokens from the code alone"), std::string::npos);

  const auto log = read_text(dir / "run/metrics.jsonl");
  EXPECT_NE(log.find("train_divergence"), std::string::npos);

  const auto told = parse_json(run({"info", model_in(dir), "--json"}).out);
  EXPECT_EQ(told.at("model"), "vae");
  EXPECT_EQ(told.at("steps"), 32);
  EXPECT_EQ(told.at("latent"), 16);

  const auto generate = [&](const std::string& folder, std::vector<std::string> more) {
    more.insert(more.begin(), {"generate", "--model", model_in(dir), "--output", dir / folder,
                               "--seed", "5", "--json"});
    const Finished finished = run(more);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return parse_json(finished.out);
  };
  const auto made = generate("all", {"--num-outputs", "6"});
  EXPECT_EQ(made.at("files").size(), 6U);
  EXPECT_EQ(made.at("tokens"), 6 * 32);
  EXPECT_GT(made.at("notes"), 6);
  generate("some", {"--num-outputs", "2", "--first-sequence", "3", "--batch-size", "1"});
  EXPECT_EQ(read_text(dir / "some/0003.mid"), read_text(dir / "all/0003.mid"));
  EXPECT_EQ(read_text(dir / "some/0004.mid"), read_text(dir / "all/0004.mid"));
  EXPECT_NE(read_text(dir / "all/0003.mid"), read_text(dir / "all/0004.mid"));

  const std::string model = model_in(dir);
  expect_failure(run({"generate", "--model", model, "--output", dir / "x", "--primer", "60"}), 2,
                 "--primer does not apply to a model that decodes whole pieces");
  expect_failure(run({"transform", "--model", model, "--input", dir / "in", "--output", dir / "x"}),
                 1, "was not told of styles");
  const std::string other = dir / "other.safetensors";
  std::string bytes = read_text(model);
  bytes.replace(bytes.find("vae"), 3, "vai");
  std::ofstream(other, std::ios::binary) << bytes;
  expect_failure(run({"generate", "--model", other, "--output", dir / "x"}), 1,
                 "kind of model is 'vai', expected one of lm, seq2seq, vae, autoencoder");
  expect_failure(run({"info", other}), 1, "'vai'");
  EXPECT_FALSE(fs::exists(dir / "x"));
}

TEST(VaeProgram, InterpolatesBetweenItsInputs) {
  TmpDir dir;
  train_by_heart(dir, {"--segments", "2", "--epochs", "250"});
  const std::vector<std::string> base = {"interpolate",     "--model", model_in(dir),    "--from",
                                         dir / "in/t0.mid", "--to",    dir / "in/t3.mid"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = base;
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  };
  const Finished finished = with({"--steps", "5", "--output", dir / "way", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto found = parse_json(finished.out);
  EXPECT_EQ(found.at("files").size(), 5U);
  EXPECT_EQ(found.at("bars"), nlohmann::json({2, 2}));
  EXPECT_EQ(found.at("like_from").front(), 1.0);
  EXPECT_EQ(found.at("like_to").back(), 1.0);
  EXPECT_LT(found.at("like_to").front(), 0.9);
  EXPECT_TRUE(fs::exists(dir / "way/0004.mid"));
  EXPECT_NE(with({"--bars", "1", "--output", dir / "way"}).out.find("read     : 1 bars of"),
            std::string::npos);

  expect_failure(with({"--steps", "1", "--output", dir / "x"}), 2, "--steps is 1, expected 2");
  expect_failure(with({"--bars", "-1", "--output", dir / "x"}), 2, "--bars is -1, expected 0");
  expect_failure(with({"--fit", "-1", "--output", dir / "x"}), 2, "--fit is -1, expected 0");
  expect_failure(with({"--bars", "3", "--output", dir / "x"}), 1,
                 "t0.mid: its first 3 bars have 48 tokens, the model takes up to 32");
  expect_failure(with({"--bars", "9", "--output", dir / "x"}), 1, "t0.mid: has 8 bars, expected 9");
  expect_failure(run({"interpolate", "--model", "x"}), 2, "--from");
  write_midi_file(Score(), dir / "empty.mid");
  for (const char* name : {"empty.mid", "none.mid"}) {
    expect_failure(run({"interpolate", "--model", model_in(dir), "--from", dir / "in/t0.mid",
                        "--to", dir / name, "--output", dir / "x"}),
                   1, name);
  }
  EXPECT_FALSE(fs::exists(dir / "x"));
}

TEST(VaeProgram, VariesAnAttribute) {
  TmpDir dir;
  train_by_heart(dir, {"--epochs", "120"});
  const auto vary = [&](const std::string& attribute, const std::string& amounts) {
    return run({"vary", "--model", model_in(dir), "--data", dir / "d.st", "--input",
                dir / "in/t0.mid", "--attribute", attribute, "--amounts", amounts, "--output",
                dir / "varied", "--json"});
  };
  const Finished finished = vary("pitch", "-2,0,2");
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto found = parse_json(finished.out);
  const auto values = found.at("values").get<std::vector<double>>();
  ASSERT_EQ(values.size(), 3U);
  EXPECT_LT(values[0], values[2]);
  EXPECT_TRUE(fs::exists(dir / "varied/0002.mid"));
  expect_failure(vary("notes", "1"), 1, "of 32 values 0 are above their median");
  expect_failure(vary("loudness", "1"), 2, "loudness");
  expect_failure(vary("pitch", "1,x"), 2, "--amounts");
}

TEST(VaeProgram, AutoencoderHasNoPriorToDrawFrom) {
  TmpDir dir;
  write_tunes(dir / "in", 4);
  ASSERT_EQ(prepare(dir, {"--bars", "1", "--track", "tune"}).exit_code, 0);
  ASSERT_EQ(train(dir, {"--model", "autoencoder", "--steps", "3", "--epochs", "0"}).exit_code, 0);
  const Finished finished = run(
      {"evaluate", "--model", model_in(dir), "--data", dir / "d.st", "--split", "train", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_FALSE(parse_json(finished.out).contains("divergence"));
  expect_failure(run({"generate", "--model", model_in(dir), "--output", dir / "x"}), 1,
                 "is an autoencoder, whose codes have no prior");
  EXPECT_FALSE(fs::exists(dir / "x"));
}

TEST(VaeProgram, RefusesDataAndSettingsThatDoNotFit) {
  TmpDir dir;
  write_tunes(dir / "in", 4);
  ASSERT_EQ(prepare(dir, {"--bars", "1", "--track", "tune"}).exit_code, 0);
  ASSERT_EQ(train(dir, {"--model", "vae", "--steps", "2", "--epochs", "0"}).exit_code, 0);
  // Longer pieces than the model was made for.
  ASSERT_EQ(prepare(dir, {"--bars", "2", "--track", "tune"}).exit_code, 0);
  expect_failure(
      run({"evaluate", "--model", model_in(dir), "--data", dir / "d.st", "--split", "train"}), 1,
      "has 32 tokens, the model takes up to 16");
  expect_failure(train(dir, {"--model", "vae", "--free-bits", "-1"}), 2, "free_bits is -1");
  expect_failure(train(dir, {"--model", "vae", "--segments", "0"}), 2, "segments is 0");
  expect_failure(train(dir, {"--model", "vae", "--dense", "5:relu"}), 2,
                 "--model vae has no --dense and no --head");
  ASSERT_EQ(run({"prepare", "--input", dir / "in", "--tokenizer", "remi", "--output", dir / "d.st"})
                .exit_code,
            0);
  expect_failure(
      run({"evaluate", "--model", model_in(dir), "--data", dir / "d.st", "--split", "train"}), 1,
      "was trained on melody");
}

}  // namespace
}  // namespace cadenza::test
