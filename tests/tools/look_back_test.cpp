// SPDX-License-Identifier: Apache-2.0
// Language models that look back, from the preset to music.
#include <gtest/gtest.h>

#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

TEST(LookingBack, IsTrainedByNameAndDoesWhatLanguageModelsDo) {
  TmpDir dir;
  write_midi_folder(dir / "in", 10);
  const std::string data = dir / "data.safetensors";
  ASSERT_EQ(
      run({"prepare", "--input", dir / "in", "--tokenizer", "melody", "--output", data}).exit_code,
      0);
  const auto train = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "train", "--data",    data, "--output",     dir / "run", "--hidden",
        "12",    "--steps",   "6",  "--epochs",     "0",         "--validate-every",
        "3",     "--threads", "1",  "--batch-size", "4",         "--sequence-length",
        "24"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  expect_failure(train({"--lookback", "32,16"}), 2, "lookback 16 follows 32");
  expect_failure(train({"--lookback", "bar"}), 2, "--lookback");
  expect_failure(train({"--model", "classifier", "--lookback", "16"}), 2,
                 "--model classifier has no --attention-length, no --lookback");
  const Finished trained = train({"--preset", "attention_rnn"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_NE(trained.err.find("attention over 40 steps, looking back 16, 32"), std::string::npos)
      << trained.err;

  const std::string model = dir / "run/model.safetensors";
  const auto told = parse_json(run({"info", model, "--json"}).out);
  EXPECT_EQ(told.at("attention_length"), 40);
  EXPECT_EQ(told.at("lookback"), (std::vector<int>{16, 32}));
  EXPECT_EQ(told.at("position_bits"), 7);

  const Finished evaluated = run({"evaluate", "--model", model, "--data", data, "--split", "train",
                                  "--num-outputs", "2", "--num-steps", "48", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_GT(parse_json(evaluated.out).at("nll_per_token"), 0.0);

  const Finished generated =
      run({"generate", "--model", model, "--primer-midi", dir / "in/a0.mid", "--num-outputs", "3",
           "--num-steps", "70", "--output", dir / "new", "--json"});
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  EXPECT_EQ(parse_json(generated.out).at("kernel"), "step by step") << generated.out;
  EXPECT_TRUE(std::filesystem::exists(dir / "new/0002.mid"));

  const Finished filled = run({"infill", "--model", model, "--input", dir / "in/a0.mid", "--bars",
                               "2", "--candidates", "3", "--output", dir / "filled"});
  EXPECT_EQ(filled.exit_code, 0) << filled.err;
}

}  // namespace
}  // namespace cadenza::test
