// SPDX-License-Identifier: Apache-2.0
// From MIDI files to new MIDI files, pictures and numbers.
#include <gtest/gtest.h>

#include <fstream>

#include "cadenza/midi.h"
#include "cadenza/pitch_limits.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

/// A tiny model trained on a few MIDI files: "data.safetensors" and "run/model.safetensors".
class Pipeline : public testing::Test {
 protected:
  void SetUp() override {
    write_midi_folder(dir_ / "in", 10);
    ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", "melody", "--output", data()})
                  .exit_code,
              0);
    const Finished trained = run({"train", "--data", data(), "--output", dir_ / "run", "--hidden",
                                  "12", "--epochs", "1", "--batch-size", "4", "--threads", "1"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }

  std::string data() const { return dir_ / "data.safetensors"; }
  std::string model() const { return dir_ / "run/model.safetensors"; }
  Finished generate(std::vector<std::string> more, const RunOptions& options = {}) const {
    more.insert(more.begin(), {"generate", "--model", model(), "--num-steps", "32", "--json"});
    return run(more, options);
  }

  TmpDir dir_;
};

TEST_F(Pipeline, GenerateJsonHasThePromisedKeys) {
  const Finished finished = generate({"--num-outputs", "3", "--output", dir_ / "out", "--png"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  ASSERT_EQ(result.at("files").size(), 3U);
  EXPECT_EQ(result.at("files")[2], (dir_ / "out/0002.mid").string());
  EXPECT_EQ(result.at("tokens"), 3 * 32);
  EXPECT_TRUE(result.at("notes").is_number());
  EXPECT_GT(result.at("seconds"), 0.0);
  EXPECT_GT(result.at("tokens_per_second"), 0.0);
  EXPECT_TRUE(result.at("kernel").is_string());
  EXPECT_TRUE(result.at("backend").is_string());
  EXPECT_EQ(read_text(dir_ / "out/0001.png").substr(1, 3), "PNG");
}

TEST_F(Pipeline, PieceKIsTheSameHoweverManyAreAskedFor) {
  ASSERT_EQ(generate({"--num-outputs", "5", "--seed", "7", "--output", dir_ / "many"}).exit_code,
            0);
  ASSERT_EQ(generate({"--num-outputs", "1", "--first-sequence", "3", "--seed", "7", "--batch-size",
                      "1", "--threads", "1", "--output", dir_ / "one"})
                .exit_code,
            0);
  EXPECT_EQ(read_text(dir_ / "one/0003.mid"), read_text(dir_ / "many/0003.mid"));
}

TEST_F(Pipeline, ContinuesAMidiFile) {
  ASSERT_EQ(generate({"--primer-midi", dir_ / "in/a0.mid", "--primer-steps", "16", "--temperature",
                      "0.5", "--output", dir_ / "out"})
                .exit_code,
            0);
  const Score primer = read_midi_file(dir_ / "in/a0.mid").score;
  const Score continued = read_midi_file(dir_ / "out/0000.mid").score;
  ASSERT_FALSE(continued.tracks.empty());
  EXPECT_EQ(continued.tracks.front().notes.front().pitch,
            primer.tracks.front().notes.front().pitch);
}

TEST_F(Pipeline, StaysWithinTheLimits) {
  const Finished finished =
      generate({"--key", "D minor", "--lowest", "55", "--highest", "70", "--num-outputs", "20",
                "--temperature", "3", "--output", dir_ / "out"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  PitchLimits limits = {.lowest = 55, .highest = 70};
  limits.classes = parse_key("D minor");
  int notes = 0;
  for (const auto& file : fs::directory_iterator(dir_ / "out")) {
    for (const Track& track : read_midi_file(file.path()).score.tracks) {
      for (const Note& note : track.notes) {
        ++notes;
        EXPECT_TRUE(limits.allow(note.pitch)) << int{note.pitch};
      }
    }
  }
  EXPECT_GT(notes, 100);
}

TEST_F(Pipeline, RefusesLimitsThatMakeNoSense) {
  const Finished key = generate({"--key", "H", "--output", dir_ / "out"});
  EXPECT_EQ(key.exit_code, 2);
  EXPECT_NE(key.err.find("got \"H\""), std::string::npos) << key.err;
  const Finished none = generate({"--lowest", "90", "--output", dir_ / "out"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_NE(none.err.find("leave no pitch from 90 to 127"), std::string::npos) << none.err;
  EXPECT_FALSE(fs::exists(dir_ / "out"));
}

TEST_F(Pipeline, ExplainNamesTheKernel) {
  const Finished finished = generate({"--explain", "--output", dir_ / "out"});
  const auto kernel = parse_json(finished.out).at("kernel").get<std::string>();
  EXPECT_NE(finished.err.find(kernel), std::string::npos) << finished.err;
}

TEST_F(Pipeline, UnwritableOutputFails) {
  const Finished finished = generate({"--output", dir_ / "in/a0.mid/out"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find(dir_ / "in/a0.mid/out"), std::string::npos) << finished.err;
}

TEST_F(Pipeline, FullDiskLeavesNoHalfWrittenPiece) {
  const Finished finished =
      generate({"--output", dir_ / "out"}, {.environment = {}, .largest_file = 20});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("0000.mid"), std::string::npos) << finished.err;
  EXPECT_TRUE(fs::is_empty(dir_ / "out"));
}

TEST_F(Pipeline, TruncatedCheckpointFails) {
  fs::resize_file(model(), fs::file_size(model()) / 2);
  const Finished finished = generate({"--output", dir_ / "out"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("model.safetensors"), std::string::npos) << finished.err;
  EXPECT_FALSE(fs::exists(dir_ / "out"));
}

TEST_F(Pipeline, HostileCheckpointFails) {
  std::ofstream(model()) << std::string(8, '\xff') << "{\"a\": 1}";
  const Finished finished = generate({"--output", dir_ / "out"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("model.safetensors"), std::string::npos) << finished.err;
}

TEST_F(Pipeline, EvaluateJsonHasThePromisedKeys) {
  const Finished finished =
      run({"evaluate", "--model", model(), "--data", data(), "--split", "train", "--num-outputs",
           "4", "--num-steps", "64", "--png", dir_ / "sheet.png", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_TRUE(result.at("features").at("pitch_count").contains("overlap"));
  EXPECT_TRUE(result.at("self_similarity").contains("generated"));
  EXPECT_EQ(read_text(dir_ / "sheet.png").substr(1, 3), "PNG");
  const double nll = result.at("nll_per_token");
  EXPECT_GT(nll, 0.0);
  EXPECT_NEAR(result.at("perplexity"), std::exp(nll), 1e-6 * std::exp(nll));
  EXPECT_TRUE(result.at("music").at("generated").contains("pitch_class_entropy"));
  EXPECT_TRUE(result.at("copying").contains("longest_run"));
}

TEST_F(Pipeline, NarrowFormatsMeasureAndGenerateAlmostTheSame) {
  const auto evaluate = [&](const char* precision) {
    const Finished finished =
        run({"evaluate", "--model", model(), "--data", data(), "--split", "train", "--precision",
             precision, "--backend", "cpu", "--json"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return parse_json(finished.out).at("nll_per_token").get<double>();
  };
  const double wide = evaluate("fp32");
  for (const char* precision : {"bf16", "int24", "int16", "int8"}) {
    const double narrow = evaluate(precision);
    EXPECT_NEAR(narrow, wide, 0.01) << precision;
    EXPECT_NE(narrow, wide) << precision;
    const Finished generated = generate(
        {"--precision", precision, "--backend", "cpu", "--output", dir_ / precision, "--explain"});
    EXPECT_EQ(generated.exit_code, 0) << generated.err;
    EXPECT_NE(generated.err.find(precision), std::string::npos) << generated.err;
  }
}

TEST_F(Pipeline, EvaluateRefusesDataOfAnotherVocabulary) {
  ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", "performance", "--output",
                 dir_ / "other.safetensors"})
                .exit_code,
            0);
  const Finished finished =
      run({"evaluate", "--model", model(), "--data", dir_ / "other.safetensors"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("performance"), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find("melody"), std::string::npos) << finished.err;
}

TEST_F(Pipeline, InfoTellsTheKindFromTheContent) {
  const auto kind = [](const std::string& file) {
    const Finished finished = run({"info", file, "--json"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return parse_json(finished.out).at("kind").get<std::string>();
  };
  EXPECT_EQ(kind(model()), "model");
  EXPECT_EQ(kind(data()), "data");
  fs::copy_file(dir_ / "in/a0.mid", dir_ / "music.bin");
  EXPECT_EQ(kind(dir_ / "music.bin"), "midi");
}

TEST_F(Pipeline, InfoPrintsTheModelsTokenizer) {
  EXPECT_NE(run({"info", model()}).out.find("tokenizer: melody"), std::string::npos);
}

TEST(Frames, EvaluateGivesTheThreeReadings) {
  TmpDir dir;
  std::ofstream(dir / "set.json")
      << R"({"train": [[[60], [60, 64], [67]], [[62], [64]]], "test": [[[64], [60], [62]]]})";
  ASSERT_EQ(run({"train", "--data", dir / "set.json", "--output", dir / "run", "--hidden", "8",
                 "--epochs", "1"})
                .exit_code,
            0);
  const Finished finished = run(
      {"evaluate", "--model", dir / "run/model.safetensors", "--data", dir / "set.json", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  for (const char* key : {"nll_per_frame_a", "nll_per_frame_b", "nll_per_frame_c"}) {
    EXPECT_GT(result.at(key), 0.0) << key;
  }
}

TEST(TokenIds, PrimerOutsideTheVocabularyFails) {
  TmpDir dir;
  // A .npy of 20 ids below 40, in version 1 of the format.
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (20,), }";
  header.resize(117, ' ');
  header += '\n';
  std::ofstream npy(dir / "ids.npy", std::ios::binary);
  npy << "\x93NUMPY" << '\x01' << '\x00' << static_cast<char>(header.size()) << '\x00' << header;
  for (int i = 0; i < 20; ++i) npy << static_cast<char>(i * 2);
  npy.close();
  const Finished prepared =
      run({"prepare", "--input", dir / "ids.npy", "--tokenizer", "ids:vocabulary=40", "--split",
           "1,0,0", "--output", dir / "data.safetensors"});
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  const Finished trained = run({"train", "--data", dir / "data.safetensors", "--output",
                                dir / "run", "--hidden", "8", "--epochs", "1"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Finished finished = run({"generate", "--model", dir / "run/model.safetensors", "--primer",
                                 "20,60", "--output", dir / "out"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("60"), std::string::npos) << finished.err;
  EXPECT_FALSE(fs::exists(dir / "out/0000.mid"));
}

TEST(Render, WritesAPicture) {
  TmpDir dir;
  write_midi_folder(dir / "in", 1);
  const Finished finished = run({"render", dir / "in/a0.mid", "--png", dir / "roll.png", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(parse_json(finished.out).at("files")[0], (dir / "roll.png").string());
  EXPECT_EQ(read_text(dir / "roll.png").substr(1, 3), "PNG");
}

TEST(Render, NeedsSomethingToWrite) {
  TmpDir dir;
  write_midi_folder(dir / "in", 1);
  EXPECT_EQ(run({"render", dir / "in/a0.mid"}).exit_code, 2);
}

}  // namespace
}  // namespace cadenza::test
