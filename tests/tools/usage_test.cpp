// SPDX-License-Identifier: Apache-2.0
// Wrong usage: exit code 2 and one sentence, before any work.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void expect_usage_error(const std::vector<std::string>& arguments, const std::string& mention) {
  const Finished finished = run(arguments);
  EXPECT_EQ(finished.exit_code, 2) << finished.err;
  EXPECT_EQ(lines(finished.err), 1U) << finished.err;
  EXPECT_NE(finished.err.find(mention), std::string::npos) << finished.err;
  EXPECT_EQ(finished.out, "");
}

TEST(Usage, HelpListsTheCommands) {
  const Finished finished = run({"--help"});
  EXPECT_EQ(finished.exit_code, 0);
  for (const char* command : {"prepare", "train", "evaluate", "classify", "generate", "interpolate",
                              "vary", "render", "info", "doctor"}) {
    EXPECT_NE(finished.out.find(command), std::string::npos) << command;
    EXPECT_EQ(run({command, "--help"}).exit_code, 0) << command;
  }
}

TEST(Usage, NoCommandIsWrong) { EXPECT_EQ(run({}).exit_code, 2); }
TEST(Usage, UnknownCommandIsNamed) { expect_usage_error({"trian"}, "trian"); }
TEST(Usage, UnknownOptionIsNamed) { expect_usage_error({"train", "--layer", "2"}, "--layer"); }
TEST(Usage, MissingOptionIsNamed) { expect_usage_error({"train", "--data", "x"}, "--output"); }
TEST(Usage, TextForANumberIsWrong) {
  expect_usage_error({"train", "--data", "x", "--output", "y", "--layers", "two"}, "--layers");
}
TEST(Usage, UnknownChoiceListsTheKnown) {
  expect_usage_error({"train", "--data", "x", "--output", "y", "--cell", "lstn"}, "gru");
}
TEST(Usage, UnknownPresetListsTheKnown) {
  expect_usage_error({"train", "--data", "x", "--output", "y", "--preset", "jbs"}, "jsb");
}
TEST(Usage, UnknownTokenizerListsTheKnown) {
  TmpDir dir;
  write_midi_folder(dir / "in", 1);
  expect_usage_error(
      {"prepare", "--input", dir / "in", "--tokenizer", "midi", "--output", dir / "d"}, "remi");
}

TEST(Usage, RefusesValuesOutsideTheirRange) {
  const std::vector<std::string> train = {"train", "--data", "x", "--output", "y"};
  const std::vector<std::string> generate = {"generate", "--model", "x", "--output", "y"};
  const auto with = [](std::vector<std::string> arguments, const char* option, const char* value) {
    arguments.insert(arguments.end(), {option, value});
    return arguments;
  };
  expect_usage_error(with(train, "--layers", "0"), "layers is 0");
  expect_usage_error(with(train, "--hidden", "-5"), "hidden is -5");
  expect_usage_error(with(train, "--batch-size", "0"), "batch_size is 0");
  expect_usage_error(with(train, "--learning-rate", "nan"), "learning_rate");
  expect_usage_error(with(train, "--dropout", "1"), "dropout");
  expect_usage_error(with(train, "--dense", "20:swish"), "swish");
  expect_usage_error(with(train, "--threads", "-1"), "--threads");
  expect_usage_error(with(generate, "--top-p", "0"), "top_p");
  expect_usage_error(with(generate, "--temperature", "-1"), "temperature");
  expect_usage_error(with(generate, "--num-outputs", "0"), "--num-outputs");
  expect_usage_error(with(generate, "--num-steps", "-3"), "--num-steps");
  expect_usage_error(with(generate, "--primer", "60,x"), "x");
}

TEST(Usage, RefusesASplitThatDoesNotAddUp) {
  expect_usage_error({"prepare", "--input", ".", "--output", "x", "--split", "0.8,0.1"}, "--split");
  expect_usage_error({"prepare", "--input", ".", "--output", "x", "--split", "0.8,0.3,0.1"}, "1.2");
}

TEST(Settings, AnUnknownSettingNamesTheFile) {
  TmpDir dir;
  std::ofstream(dir / "my.toml") << "layerz = 2\n";
  expect_usage_error({"train", "--config", dir / "my.toml"}, "layerz");
}

TEST(Settings, BadTomlFails) {
  TmpDir dir;
  std::ofstream(dir / "my.toml") << "layers = = 2\n";
  const Finished finished = run({"train", "--config", dir / "my.toml"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("my.toml"), std::string::npos) << finished.err;
}

// The value that is refused tells which source won.
TEST(Settings, FlagBeatsEnvironmentBeatsFileBeatsPreset) {
  TmpDir dir;
  std::ofstream(dir / "my.toml") << "hidden = -3\n";
  const std::vector<std::string> base = {"train", "--data",   "x",  "--output",
                                         "y",     "--preset", "jsb"};
  const auto refusal = [&](std::vector<std::string> more, const RunOptions& options) {
    more.insert(more.begin(), base.begin(), base.end());
    return run(more, options).err;
  };
  const std::string file = dir / "my.toml";
  const RunOptions with_environment = {.environment = {{"CADENZA_HIDDEN", "-2"}},
                                       .largest_file = 0};
  EXPECT_NE(refusal({"--config", file}, {}).find("hidden is -3"), std::string::npos);
  EXPECT_NE(refusal({"--config", file}, with_environment).find("hidden is -2"), std::string::npos);
  EXPECT_NE(refusal({"--config", file, "--hidden", "-1"}, with_environment).find("hidden is -1"),
            std::string::npos);
}

TEST(Settings, AFaultyEnvironmentVariableIsNamed) {
  const Finished finished =
      run({"train", "--data", "x", "--output", "y"},
          {.environment = {{"CADENZA_BATCH_SIZE", "many"}}, .largest_file = 0});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find("CADENZA_BATCH_SIZE"), std::string::npos) << finished.err;
}

// Settings are checked before the data are looked for.
TEST(Settings, EveryPresetIsSound) {
  const auto found = parse_json(run({"doctor", "--json"}).out);
  const auto presets = found.at("presets").at("names").get<std::vector<std::string>>();
  EXPECT_GE(presets.size(), 20U);
  for (const std::string& preset : presets) {
    const Finished finished =
        run({"train", "--preset", preset, "--data", "none.safetensors", "--output", "y"});
    EXPECT_EQ(finished.exit_code, 1) << preset << ": " << finished.err;
    EXPECT_NE(finished.err.find("none.safetensors"), std::string::npos) << finished.err;
  }
}

TEST(Doctor, JsonHoldsBackendsAndPresets) {
  const Finished finished = run({"doctor", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto found = parse_json(finished.out);
  EXPECT_GE(found.at("backends").size(), 2U);
  EXPECT_TRUE(found.at("backends").front().contains("available"));
  const auto presets = found.at("presets").at("names").get<std::vector<std::string>>();
  for (const char* name : {"jsb", "jsb-nade", "nottingham", "nottingham-nade", "melody",
                           "performance", "chorale", "keras_tutorial", "demo"}) {
    EXPECT_NE(std::find(presets.begin(), presets.end(), name), presets.end()) << name;
  }
}

TEST(Doctor, SaysWhatToDoAboutWhatDoesNotWork) {
  const auto found = parse_json(run({"doctor", "--json"}).out);
  const std::regex advice(
      R"(.+; (where there is a GPU, )?(install|configure|build|see whether) .+)");
  for (const auto& backend : found.at("backends")) {
    if (backend.at("available").get<bool>()) continue;
    const auto reason = backend.at("reason").get<std::string>();
    EXPECT_TRUE(std::regex_match(reason, advice)) << backend.at("name") << ": " << reason;
  }
}

TEST(Doctor, TextNamesEveryBackend) {
  const Finished finished = run({"doctor"});
  EXPECT_NE(finished.out.find("backend  : cpu"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("backend  : reference"), std::string::npos) << finished.out;
}

}  // namespace
}  // namespace cadenza::test
