// SPDX-License-Identifier: Apache-2.0
// Where the styles of pieces come from.
#include <gtest/gtest.h>

#include <fstream>

#include "cadenza/dataset.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

/// Twelve different pieces, in folders "jigs" and "reels": jig0.mid, ..., reel-x6.mid, ...
class Labels : public testing::Test {
 protected:
  void SetUp() override {
    write_midi_folder(dir_ / "all", 12);
    fs::create_directories(dir_ / "in/jigs");
    fs::create_directories(dir_ / "in/reels");
    for (int i = 0; i < 12; ++i) {
      const std::string number = std::to_string(i);
      fs::rename(dir_ / ("all/a" + number + ".mid"),
                 dir_ / ("in/" + (i < 5 ? "jigs/jig" + number : "reels/reel-x" + number) + ".mid"));
    }
  }
  Finished prepare(const std::string& labels, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"prepare", "--input", dir_ / "in", "--tokenizer", "melody",
                               "--labels", labels, "--output", data(), "--json"});
    return run(more);
  }
  std::string data() const { return dir_ / "data.safetensors"; }

  void expect_counts(const Finished& finished, const nlohmann::json& counts) const {
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(parse_json(finished.out).at("labels"), counts);
  }
  void expect_no_data(const Finished& finished, int code, const std::string& mention) const {
    expect_failure(finished, code, mention);
    EXPECT_FALSE(fs::exists(data()));
  }

  TmpDir dir_;
};

TEST_F(Labels, AreTheFoldersThatFilesLieIn) {
  expect_counts(prepare("folder"), {{"jigs", 5}, {"reels", 7}});
  const Dataset set = load_dataset(data());
  for (const auto& pieces : set.splits) {
    for (const Piece& piece : pieces) {
      EXPECT_EQ(set.labels.at(static_cast<std::size_t>(piece.label)),
                piece.name.starts_with("jig") ? "jigs" : "reels");
    }
  }
}

TEST_F(Labels, AreTheLettersThatNamesBeginWith) {
  expect_counts(prepare("name"), {{"jig", 5}, {"reel", 7}});
}

TEST_F(Labels, AreWhatAPatternFindsInNames) {
  expect_counts(prepare("name:^(ji|re)"), {{"ji", 5}, {"re", 7}});
}

TEST_F(Labels, StayWithTransposedPieces) {
  expect_counts(prepare("folder", {"--transpose", "0,1", "--split", "1,0,0"}),
                {{"jigs", 10}, {"reels", 14}});
}

TEST_F(Labels, FilesWithoutOneAreRejectedByName) {
  const Finished finished = prepare("name:^(jig|reel-x[6-9])");
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("accepted"), 9);
  ASSERT_EQ(result.at("rejected").size(), 3U);
  EXPECT_EQ(result.at("rejected")[0].at("file"), (dir_ / "in/reels/reel-x10.mid").string());
  EXPECT_NE(finished.err.find("reel-x5.mid: has no label"), std::string::npos) << finished.err;
}

TEST_F(Labels, ComeFromACsvFile) {
  std::ofstream csv(dir_ / "labels.csv");
  csv << "file,label\r\n";
  for (int i = 0; i < 5; ++i) csv << "jig" << i << ".mid, slow\n";
  csv << "\"reels/reel-x5.mid\",\"fast\"\n" << (dir_ / "in/reels/reel-x6.mid") << ",fast\n\n";
  csv.close();
  const Finished finished = prepare(dir_ / "labels.csv");
  expect_counts(finished, {{"fast", 2}, {"slow", 5}});
  EXPECT_NE(finished.err.find("labels.csv does not name it"), std::string::npos) << finished.err;
}

TEST_F(Labels, CsvFaultsNameTheirLine) {
  const auto with = [&](const char* text) {
    std::ofstream(dir_ / "labels.csv") << text;
    return prepare(dir_ / "labels.csv");
  };
  expect_no_data(with("jig0.mid,a\njig1.mid\n"), 1, "line 2 has no comma");
  expect_no_data(with("jig0.mid,a\njig1.mid,\n"), 1, "line 2: jig1.mid has an empty label");
  expect_no_data(with("jig0.mid,a\njig0.mid,b\n"), 1, "line 2: jig0.mid is b, but it was a");
  expect_no_data(prepare(dir_ / "none.csv"), 1, "none.csv: cannot be read");
}

TEST_F(Labels, OneLabelIsNotEnough) {
  expect_no_data(prepare("name:^(jig)"), 1, "only the label 'jig', expected two or more");
  expect_no_data(prepare("name:^(waltz)"), 1, "no label at all");
}

TEST_F(Labels, UsageIsChecked) {
  expect_no_data(prepare("name:("), 2, "no regular expression");
  expect_no_data(prepare("folder", {"--source-voices", "S", "--target-voices", "ATB"}), 2,
                 "--labels");
}

TEST_F(Labels, InfoCountsThem) {
  ASSERT_EQ(prepare("folder").exit_code, 0);
  const auto info = parse_json(run({"info", data(), "--json"}).out);
  EXPECT_EQ(info.at("labels"), nlohmann::json({{"jigs", 5}, {"reels", 7}}));
  int jigs = 0;
  for (const char* split : {"train", "valid", "test"}) {
    jigs += info.at(split).at("labels").at("jigs").get<int>();
  }
  EXPECT_EQ(jigs, 5);
}

TEST_F(Labels, ConditionALanguageModel) {
  ASSERT_EQ(prepare("folder").exit_code, 0);
  const std::string model = dir_ / "run/model.safetensors";
  const auto train = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"train",      "--data",      data(),  "--output",
                                          dir_ / "run", "--condition", "label", "--hidden",
                                          "12",         "--steps",     "2",     "--batch-size",
                                          "4",          "--threads",   "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const Finished other = train({"--model", "classifier"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("--condition is for --model lm"), std::string::npos) << other.err;
  const Finished trained = train({});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Finished info = run({"info", model, "--json"});
  EXPECT_EQ(parse_json(info.out).at("labels"), nlohmann::json({"jigs", "reels"}));

  const auto generate = [&](const std::string& folder, const std::string& label) {
    return run({"generate", "--model", model, "--output", dir_ / folder, "--num-steps", "60",
                "--label", label});
  };
  ASSERT_EQ(generate("jigs", "jigs").exit_code, 0);
  ASSERT_EQ(generate("reels", "reels").exit_code, 0);
  const Finished unknown = generate("out", "waltz");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_NE(unknown.err.find("expected one of jigs, reels, got \"waltz\""), std::string::npos)
      << unknown.err;
  EXPECT_FALSE(fs::exists(dir_ / "out"));

  const Finished evaluated = run({"evaluate", "--model", model, "--data", data(), "--num-outputs",
                                  "3", "--num-steps", "60", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_GT(parse_json(evaluated.out).at("nll_per_token"), 0.0);
}

TEST_F(Labels, AreNeededToConditionOnThem) {
  ASSERT_EQ(run({"prepare", "--input", dir_ / "in", "--tokenizer", "melody", "--output", data()})
                .exit_code,
            0);
  const Finished trained =
      run({"train", "--data", data(), "--output", dir_ / "run", "--condition", "label"});
  EXPECT_EQ(trained.exit_code, 2);
  EXPECT_NE(trained.err.find("has no labels; 'cadenza prepare --labels' gives them"),
            std::string::npos)
      << trained.err;
  ASSERT_EQ(run({"train", "--data", data(), "--output", dir_ / "run", "--hidden", "12", "--steps",
                 "1", "--threads", "1"})
                .exit_code,
            0);
  const Finished labelled = run({"generate", "--model", dir_ / "run/model.safetensors", "--output",
                                 dir_ / "out", "--label", "jigs"});
  EXPECT_EQ(labelled.exit_code, 1);
  EXPECT_NE(labelled.err.find("--label: the model is not conditioned on label"), std::string::npos)
      << labelled.err;
}

}  // namespace
}  // namespace cadenza::test
