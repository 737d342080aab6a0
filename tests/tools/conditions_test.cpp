// SPDX-License-Identifier: Apache-2.0
// What `cadenza train --condition` tells language models.
#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

// Tunes in C major or in F# major, of eighths or of quarters; the last third of the files faster.
void write_tunes(const fs::path& folder) {
  fs::create_directories(folder);
  std::uint32_t random = 5;
  for (int file = 0; file < 48; ++file) {
    const int step = file % 4 < 2 ? 240 : 480;
    Track track;
    for (int i = 0; i < 40; ++i) {
      random = random * 1664525U + 1013904223U;
      const int pitch = std::array{0, 2, 4, 5, 7, 9, 11, 12, 0, 4, 7}[(random >> 20) % 11];
      const std::int64_t start = std::int64_t{i} * step;
      track.notes.push_back(
          {start, start + step, static_cast<std::uint8_t>(60 + pitch + file % 2 * 6), 80});
    }
    Score score;
    score.tracks.push_back(track);
    score.tempos = {{0, file < 32 ? 600000U : 420000U}};
    write_midi_file(score, folder / message("t", file, ".mid"));
  }
}

/// One piece of so many steps by the model in `run`, as `new/0000.mid`.
Finished generate_in(const TmpDir& dir, const std::string& steps,
                     const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"generate", "--model",   dir / "run/model.safetensors",
                                        "--output", dir / "new", "--num-steps",
                                        steps};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

nlohmann::json generated_info(const TmpDir& dir) {
  return parse_json(run({"info", dir / "new/0000.mid", "--json"}).out);
}

TEST(Conditions, AreLearntFollowedAndMeasured) {
  TmpDir dir;
  write_tunes(dir / "in");
  ASSERT_EQ(run({"prepare", "--input", dir / "in", "--tokenizer", "melody", "--output",
                 dir / "data.safetensors"})
                .exit_code,
            0);
  const auto train = [&](const std::string& conditions) {
    return run({"train",
                "--data",
                dir / "data.safetensors",
                "--output",
                dir / "run",
                "--hidden",
                "48",
                "--embedding",
                "16",
                "--steps",
                "250",
                "--batch-size",
                "8",
                "--sequence-length",
                "32",
                "--learning-rate",
                "0.01",
                "--condition",
                conditions,
                "--threads",
                "1"});
  };
  expect_failure(train("key,mood"), 2, "unknown condition 'mood'");
  expect_failure(train("key,key"), 2, "condition key is there twice");
  ASSERT_EQ(train("key,density").exit_code, 0);

  const std::string model = dir / "run/model.safetensors";
  const auto told = parse_json(run({"info", model, "--json"}).out);
  EXPECT_EQ(told.at("conditions").at(0).at("kind"), "key");
  EXPECT_EQ(told.at("conditions").at(1).at("kind"), "density");

  const auto generate = [&](const std::vector<std::string>& more) {
    return generate_in(dir, "160", more);
  };
  const auto measured = [&](const std::string& key, const std::string& density) {
    EXPECT_EQ(generate({"--key-condition", key, "--density", density}).exit_code, 0);
    return generated_info(dir);
  };
  const auto slow = measured("C", "1.01");
  EXPECT_EQ(slow.at("estimated_key"), "C major");
  EXPECT_NEAR(slow.at("density"), 1.0, 0.3);
  const auto fast = measured("f# major", "1.99");
  EXPECT_EQ(fast.at("estimated_key"), "F# major");
  EXPECT_NEAR(fast.at("density"), 2.0, 0.3);

  const Finished evaluated =
      run({"evaluate", "--model", model, "--data", dir / "data.safetensors", "--split", "train",
           "--num-outputs", "12", "--num-steps", "160", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const auto obedience = parse_json(evaluated.out).at("obedience");
  EXPECT_EQ(obedience.at("pieces"), 12);
  EXPECT_GT(obedience.at("in_key"), 0.6);  // by chance it would be 1 in 24
  EXPECT_GE(obedience.at("in_scale"), obedience.at("in_key"));
  for (const auto& bin : obedience.at("density")) {
    EXPECT_GT(bin.at("measured"), bin.at("asked").at(0).get<double>() - 0.1);
    EXPECT_LT(bin.at("measured"), bin.at("asked").at(1).get<double>() + 0.1);
  }

  fs::remove_all(dir / "new");
  expect_failure(generate({"--key-condition", "H", "--density", "1"}), 2, "got \"H\"");
  expect_failure(generate({"--density", "1.5"}), 1, "conditioned on the key, none is given");
  expect_failure(generate({"--key-condition", "C"}), 1, "notes a quarter, none is given");
  expect_failure(generate({"--key-condition", "C", "--density", "9"}), 1, "got 9");
  expect_failure(generate({"--key-condition", "C", "--density", "1.5", "--label", "x"}), 1,
                 "--label: the model is not conditioned on label");
  EXPECT_FALSE(fs::exists(dir / "new"));
}

TEST(Conditions, MayBeAHistogramAndATempo) {
  TmpDir dir;
  write_tunes(dir / "in");
  const auto prepare = [&](const std::string& tokenizer, const std::string& data) {
    return run({"prepare", "--input", dir / "in", "--tokenizer", tokenizer, "--output", data})
        .exit_code;
  };
  const auto train = [&](const std::string& data) {
    return run({"train",
                "--data",
                data,
                "--output",
                dir / "run",
                "--hidden",
                "48",
                "--embedding",
                "16",
                "--steps",
                "300",
                "--epochs",
                "0",
                "--batch-size",
                "8",
                "--sequence-length",
                "32",
                "--learning-rate",
                "0.01",
                "--condition",
                "histogram,tempo",
                "--threads",
                "1"});
  };
  const std::string beats = dir / "beats.safetensors";
  ASSERT_EQ(prepare("melody", beats), 0);
  expect_failure(train(beats), 1,
                 "steps of 'melody' count beats, whatever their tempo; expected tokenizer "
                 "performance");
  const std::string data = dir / "data.safetensors";
  ASSERT_EQ(prepare("performance", data), 0);
  ASSERT_EQ(train(data).exit_code, 0);

  const std::string model = dir / "run/model.safetensors";
  const auto generate = [&](const std::vector<std::string>& more) {
    return generate_in(dir, "240", more);
  };
  const auto measured = [&](const std::string& histogram, const std::string& tempo) {
    EXPECT_EQ(generate({"--pitch-classes", histogram, "--tempo-condition", tempo}).exit_code, 0);
    return generated_info(dir);
  };
  /// How much more of C major than of F# major; they share two notes.
  const auto lean = [](const nlohmann::json& music) {
    double sum = 0.0;
    for (const std::size_t pitch_class : {0U, 2U, 4U, 7U, 9U}) {
      sum += music.at("pitch_classes").at(pitch_class).get<double>();
      sum -= music.at("pitch_classes").at((pitch_class + 6) % 12).get<double>();
    }
    return sum;
  };
  const auto slow = measured("3,0,1,0,2,1,0,2,0,1,0,1", "100");
  EXPECT_GT(lean(slow), 0.1);
  EXPECT_NEAR(slow.at("estimated_tempo"), 100.0, 5.0);
  const auto fast = measured("0,2,0,1,0,1,3,0,1,0,2,1", "142.9");
  EXPECT_LT(lean(fast), -0.1);
  EXPECT_NEAR(fast.at("estimated_tempo"), 142.9, 7.0);

  const Finished evaluated = run({"evaluate", "--model", model, "--data", data, "--split", "train",
                                  "--num-outputs", "12", "--num-steps", "240", "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const auto obedience = parse_json(evaluated.out).at("obedience");
  const auto& overlap = obedience.at("pitch_classes");
  EXPECT_GT(overlap.at("overlap"), overlap.at("overlap_with_all_asked").get<double>() + 0.1);
  for (const auto& bin : obedience.at("tempo")) {
    EXPECT_GT(bin.at("measured"), bin.at("asked").at(0).get<double>() - 10.0);
    EXPECT_LT(bin.at("measured"), bin.at("asked").at(1).get<double>() + 10.0);
  }

  fs::remove_all(dir / "new");
  const std::string flat = "1,1,1,1,1,1,1,1,1,1,1,1";
  expect_failure(generate({"--pitch-classes", "1,2", "--tempo-condition", "100"}), 2,
                 "expected twelve numbers");
  expect_failure(generate({"--pitch-classes", "0,0,0,0,0,0,0,0,0,0,0,0"}), 2, "not all 0");
  expect_failure(generate({"--tempo-condition", "100"}), 1, "the histogram, none is given");
  expect_failure(generate({"--pitch-classes", flat}), 1, "beats a minute, none is given");
  expect_failure(generate({"--pitch-classes", flat, "--tempo-condition", "300"}), 1, "got 300");
  EXPECT_FALSE(fs::exists(dir / "new"));
}

}  // namespace
}  // namespace cadenza::test
