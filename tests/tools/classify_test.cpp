// SPDX-License-Identifier: Apache-2.0
// A classifier from labelled MIDI files to the styles of others.
#include <gtest/gtest.h>

#include <fstream>

#include "cadenza/midi.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

/// Tunes of quarters that go up or down, with names up0.mid, down0.mid, ...
void write_tunes(const fs::path& folder, int count) {
  fs::create_directories(folder);
  std::uint32_t noise = 5;
  for (int i = 0; i < 2 * count; ++i) {
    Score score;
    Track& track = score.tracks.emplace_back();
    int pitch = 66;
    for (int n = 0; n < 24; ++n) {
      track.notes.push_back({n * 480, n * 480 + 480, static_cast<std::uint8_t>(pitch), 64});
      noise = noise * 1664525U + 1013904223U;
      pitch += (i % 2 == 0 ? 1 : -1) * static_cast<int>(1 + (noise >> 30));
      if (pitch > 78) pitch -= 24;
      if (pitch < 54) pitch += 24;
    }
    write_midi_file(score,
                    folder / ((i % 2 == 0 ? "up" : "down") + std::to_string(i / 2) + ".mid"));
  }
}

class Classify : public testing::Test {
 protected:
  void SetUp() override {
    write_tunes(dir_ / "in", 30);
    ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", "melody", "--labels", "name",
                   "--output", data()})
                  .exit_code,
              0);
  }
  Finished train(std::vector<std::string> more) const {
    more.insert(more.begin(), {"train", "--data", data(), "--output", dir_ / "run", "--hidden",
                               "16", "--threads", "1", "--json"});
    return run(more);
  }
  void train_classifier() const {
    const Finished trained = train({"--model", "classifier", "--embedding", "16", "--epochs", "12",
                                    "--batch-size", "8", "--learning-rate", "0.01"});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  std::string data() const { return dir_ / "data.safetensors"; }
  std::string model() const { return dir_ / "run/model.safetensors"; }

  TmpDir dir_;
};

TEST_F(Classify, EvaluateCountsWhatIsTakenForWhat) {
  train_classifier();
  const Finished finished = run({"evaluate", "--model", model(), "--data", data(), "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("labels"), nlohmann::json({"down", "up"}));
  EXPECT_GE(result.at("accuracy"), 0.8);
  int pieces = 0;
  int right = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) pieces += result.at("confusion")[i][j].get<int>();
    right += result.at("confusion")[i][i].get<int>();
  }
  EXPECT_EQ(pieces, result.at("pieces"));
  EXPECT_DOUBLE_EQ(result.at("accuracy"), static_cast<double>(right) / pieces);
  EXPECT_NE(run({"evaluate", "--model", model(), "--data", data()}).out.find("taken for"),
            std::string::npos);
}

TEST_F(Classify, TellsTheStyleOfFiles) {
  train_classifier();
  std::ofstream(dir_ / "in/x.mid") << "no music";
  const Finished finished =
      run({"classify", "--model", model(), "--input", dir_ / "in", "--labels", "name", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  ASSERT_EQ(result.at("files").size(), 60U);
  EXPECT_EQ(result.at("rejected").size(), 1U);
  const auto& first = result.at("files")[0];
  EXPECT_EQ(first.at("file"), (dir_ / "in/down0.mid").string());
  EXPECT_NEAR(
      first.at("shares").at("up").get<double>() + first.at("shares").at("down").get<double>(), 1.0,
      1e-9);
  EXPECT_EQ(result.at("counts").at("up").get<int>() + result.at("counts").at("down").get<int>(),
            60);
  EXPECT_GE(result.at("accuracy"), 0.8);
}

TEST_F(Classify, PartsOfAFileSayTogetherWhatItIs) {
  ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", "melody:min_bars=1", "--labels",
                 "name", "--bars", "2", "--output", data()})
                .exit_code,
            0);
  train_classifier();
  const auto result =
      parse_json(run({"evaluate", "--model", model(), "--data", data(), "--json"}).out);
  EXPECT_GT(result.at("pieces"), 6);
  const auto& files = result.at("files").at("confusion");
  EXPECT_EQ(files[0][0].get<int>() + files[0][1].get<int>() + files[1][0].get<int>() +
                files[1][1].get<int>(),
            6);
  const Finished finished = run({"classify", "--model", model(), "--input", dir_ / "in", "--bars",
                                 "2", "--labels", "name", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_GE(parse_json(finished.out).at("accuracy"), 0.8);
}

TEST_F(Classify, RefusesLabelsItWasNotTaught) {
  train_classifier();
  const Finished finished =
      run({"classify", "--model", model(), "--input", dir_ / "in/up0.mid", "--labels", "folder"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("'in', which the model was not taught"), std::string::npos)
      << finished.err;
  ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", "melody", "--labels",
                 "name:^(u|d)", "--output", dir_ / "other"})
                .exit_code,
            0);
  const Finished other = run({"evaluate", "--model", model(), "--data", dir_ / "other"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_NE(other.err.find("has the labels d, u, but"), std::string::npos) << other.err;
}

TEST_F(Classify, InfoDescribesTheModel) {
  train_classifier();
  const auto info = parse_json(run({"info", model(), "--json"}).out);
  EXPECT_EQ(info.at("model"), "classifier");
  EXPECT_EQ(info.at("labels"), nlohmann::json({"down", "up"}));
  EXPECT_EQ(info.at("pooling"), "mean");
}

TEST_F(Classify, BalancedLabelsAreKeptWithTheModel) {
  const std::vector<std::string> balanced = {"--model", "classifier", "--epochs", "1",
                                             "--balance-labels"};
  ASSERT_EQ(train(balanced).exit_code, 0);
  EXPECT_EQ(parse_json(run({"info", model(), "--json"}).out).at("label_weights").size(), 2U);
  const Finished resumed =
      train({"--model", "classifier", "--epochs", "2", "--balance-labels", "--resume"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST_F(Classify, TrainingNeedsLabels) {
  ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", "melody", "--output", data()})
                .exit_code,
            0);
  const Finished finished = train({"--model", "classifier"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find("no labels"), std::string::npos) << finished.err;
}

TEST_F(Classify, OtherModelsLearnFromLabelledDataToo) {
  EXPECT_EQ(train({"--epochs", "1"}).exit_code, 0);
  const Finished finished = run({"classify", "--model", model(), "--input", dir_ / "in"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("'lm', expected 'classifier'"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace cadenza::test
