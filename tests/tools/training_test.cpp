// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

/// Writes a small melody data set to "data.safetensors".
void prepare_data(const TmpDir& dir) {
  write_midi_folder(dir / "in", 10);
  const Finished finished = run({"prepare", "--input", dir / "in", "--tokenizer", "melody",
                                 "--output", dir / "data.safetensors"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
}

std::vector<std::string> training(const TmpDir& dir, const std::string& folder,
                                  const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train",
                                        "--data",
                                        dir / "data.safetensors",
                                        "--output",
                                        dir / folder,
                                        "--hidden",
                                        "12",
                                        "--batch-size",
                                        "4",
                                        "--sequence-length",
                                        "16",
                                        "--threads",
                                        "1",
                                        "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// Whether `file` appears within ten seconds.
bool appears(const fs::path& file) {
  for (int i = 0; i < 1000 && !fs::exists(file); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fs::exists(file);
}

TEST(Train, WritesEverythingPromised) {
  TmpDir dir;
  prepare_data(dir);
  const Finished finished = run(training(dir, "run", {"--epochs", "2"}));
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("checkpoint"), (dir / "run/model.safetensors").string());
  EXPECT_GT(result.at("steps"), 0);
  EXPECT_GT(result.at("seconds"), 0.0);
  EXPECT_GT(result.at("tokens_per_second"), 0.0);
  EXPECT_GT(result.at("best_valid_nll"), 0.0);
  EXPECT_TRUE(result.at("backend").is_string());
  for (const char* name :
       {"model.safetensors", "last.safetensors", "metrics.jsonl", "loss.svg", "config.toml"}) {
    EXPECT_TRUE(fs::exists(dir.path() / "run" / name)) << name;
  }
}

TEST(Train, ItsConfigGivesTheSameModelAgain) {
  TmpDir dir;
  prepare_data(dir);
  ASSERT_EQ(run(training(dir, "one", {"--epochs", "2", "--dropout", "0.1"})).exit_code, 0);
  const Finished again =
      run({"train", "--config", dir / "one/config.toml", "--output", dir / "two"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(read_text(dir / "one/model.safetensors"), read_text(dir / "two/model.safetensors"));
}

TEST(Train, HeadThatDoesNotFitTheDataIsOneClearSentence) {
  TmpDir dir;
  prepare_data(dir);
  const Finished finished = run(training(dir, "run", {"--head", "bernoulli"}));
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find("bernoulli predicts frames"), std::string::npos) << finished.err;
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
}

TEST(Train, AFormatThatDoesNotTrainIsOneClearSentence) {
  TmpDir dir;
  prepare_data(dir);
  const Finished finished = run(training(dir, "run", {"--precision", "int16", "--backend", "cpu"}));
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find("--precision int16 on the cpu backend generates and measures, but "
                              "does not train; expected fp32 or int24"),
            std::string::npos)
      << finished.err;
}

TEST(Train, StopsWhenTheLossIsNotFinite) {
  TmpDir dir;
  prepare_data(dir);
  const Finished finished =
      run(training(dir, "run", {"--optimizer", "sgd", "--learning-rate", "1e38", "--epochs", "5"}));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("finite at step"), std::string::npos) << finished.err;
}

TEST(Train, SigtermSavesAndExitsCleanly) {
  TmpDir dir;
  prepare_data(dir);
  Program program(training(
      dir, "run",
      {"--steps", "100000000", "--epochs", "0", "--patience", "0", "--validate-every", "5"}));
  ASSERT_TRUE(appears(dir / "run/model.safetensors"));
  program.send(SIGTERM);
  const Finished finished = program.wait();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(parse_json(finished.out).at("stopped_by"), "request");
  EXPECT_TRUE(fs::exists(dir / "run/last.safetensors"));
}

TEST(Train, KilledAndResumedEndsWithTheSameBytes) {
  TmpDir dir;
  prepare_data(dir);
  const std::vector<std::string> limits = {
      "--epochs", "0", "--steps", "120", "--validate-every", "10", "--checkpoint-seconds", "0"};
  ASSERT_EQ(run(training(dir, "whole", limits)).exit_code, 0);
  {
    Program program(training(dir, "parts", limits));
    ASSERT_TRUE(appears(dir / "parts/last.safetensors"));
    program.send(SIGKILL);
    program.wait();
  }
  const Finished resumed = run({"train", "--resume", "--output", dir / "parts"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_text(dir / "parts/model.safetensors"), read_text(dir / "whole/model.safetensors"));
}

TEST(Train, FullDiskFailsInOneSentence) {
  TmpDir dir;
  prepare_data(dir);
  const Finished finished =
      run(training(dir, "run", {"--epochs", "1"}), {.environment = {}, .largest_file = 2000});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find(dir / "run"), std::string::npos) << finished.err;
  EXPECT_FALSE(fs::exists(dir / "run/model.safetensors"));
}

TEST(Train, UnwritableOutputFailsBeforeTraining) {
  TmpDir dir;
  prepare_data(dir);
  const Finished finished = run(training(dir, "data.safetensors/run"));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find(dir / "data.safetensors/run"), std::string::npos) << finished.err;
}

TEST(Train, DataThatIsNoDataFails) {
  TmpDir dir;
  write_midi_folder(dir / "in", 1);
  const Finished finished = run({"train", "--data", dir / "in/a0.mid", "--output", dir / "run"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("cadenza prepare"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace cadenza::test
