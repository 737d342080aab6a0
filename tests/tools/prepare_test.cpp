// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "cadenza/dataset.h"
#include "cadenza/error.h"
#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

Finished prepare(const TmpDir& dir, std::vector<std::string> more, const RunOptions& options = {}) {
  more.insert(more.begin(), {"prepare", "--output", dir / "data.safetensors", "--json"});
  return run(more, options);
}

/// Prepares the folder "in" with the melody tokenizer.
Dataset prepare_melodies(const TmpDir& dir, std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--input", dir / "in", "--tokenizer", "melody"});
  const Finished finished = prepare(dir, more);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  return load_dataset(dir / "data.safetensors");
}

std::set<std::string> names(const std::vector<Piece>& pieces) {
  std::set<std::string> out;
  for (const Piece& piece : pieces) out.insert(piece.name);
  return out;
}

TEST(Prepare, JsonHasThePromisedKeys) {
  TmpDir dir;
  write_midi_folder(dir / "in", 4);
  std::ofstream(dir / "in/bad.mid") << "not music";
  const Finished finished = prepare(dir, {"--input", dir / "in", "--tokenizer", "melody"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("accepted"), 4);
  ASSERT_EQ(result.at("rejected").size(), 1U);
  EXPECT_EQ(result.at("rejected")[0].at("file"), (dir / "in/bad.mid").string());
  EXPECT_NE(result.at("rejected")[0].at("reason"), "");
  EXPECT_GE(result.at("pieces"), 4);
  EXPECT_GT(result.at("tokens"), 0);
}

TEST(Prepare, EmptyFolderFailsNamingIt) {
  TmpDir dir;
  fs::create_directories(dir / "empty");
  const Finished finished = prepare(dir, {"--input", dir / "empty", "--tokenizer", "melody"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find(dir / "empty"), std::string::npos) << finished.err;
}

TEST(Prepare, MissingInputFailsNamingIt) {
  TmpDir dir;
  const Finished finished = prepare(dir, {"--input", dir / "nothing", "--tokenizer", "melody"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find(dir / "nothing"), std::string::npos) << finished.err;
}

TEST(Prepare, NoUsableFileSaysWhyForEach) {
  TmpDir dir;
  fs::create_directories(dir / "in");
  std::ofstream(dir / "in/one.mid") << "not music";
  std::ofstream(dir / "in/two.mid") << "";
  const Finished finished = prepare(dir, {"--input", dir / "in", "--tokenizer", "melody"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("one.mid: "), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find("two.mid: "), std::string::npos) << finished.err;
  EXPECT_FALSE(fs::exists(dir / "data.safetensors"));
}

TEST(Prepare, ReadsFoldersWithinFolders) {
  TmpDir dir;
  write_midi_folder(dir / "in/deep/er", 3);
  EXPECT_EQ(names(prepare_melodies(dir, {"--split", "1,0,0"})[Split::train]).size(), 3U);
}

TEST(Prepare, LeavesOutASecondCopy) {
  TmpDir dir;
  write_midi_folder(dir / "in", 3);
  fs::copy_file(dir / "in/a1.mid", dir / "in/copy.mid");
  const Finished finished = prepare(dir, {"--input", dir / "in", "--tokenizer", "melody"});
  const auto result = parse_json(finished.out);
  ASSERT_EQ(result.at("rejected").size(), 1U);
  EXPECT_EQ(result.at("rejected")[0].at("file"), (dir / "in/copy.mid").string());
}

TEST(Prepare, FollowsTheSplitOfOtherData) {
  TmpDir dir;
  write_midi_folder(dir / "in", 20);
  const Dataset whole = prepare_melodies(dir);
  fs::rename(dir / "data.safetensors", dir / "whole.safetensors");
  write_midi_folder(dir / "in", 24);  // four more than the data know
  const Dataset cut =
      prepare_melodies(dir, {"--bars", "1", "--split-like", dir / "whole.safetensors"});
  EXPECT_NE(names(cut[Split::train]), names(prepare_melodies(dir, {"--bars", "1"})[Split::train]));
  std::size_t known = 0;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    for (const std::string& name : names(whole[split])) {
      EXPECT_TRUE(names(cut[split]).contains(name)) << name;
      ++known;
    }
  }
  EXPECT_EQ(known, 20U);
  EXPECT_EQ(names(cut[Split::train]).size() + names(cut[Split::valid]).size() +
                names(cut[Split::test]).size(),
            24U);
  write_midi_folder(dir / "others", 1);
  fs::rename(dir / "others/a0.mid", dir / "others/b.mid");
  expect_failure(run({"prepare", "--input", dir / "others", "--tokenizer", "melody", "--output",
                      dir / "o.st", "--split-like", dir / "whole.safetensors"}),
                 2, "holds none of the input files");
}

TEST(Prepare, SplitDependsOnTheMusicAndTheSeedNotOnNames) {
  TmpDir dir;
  write_midi_folder(dir / "in", 20);
  const Dataset first = prepare_melodies(dir);
  EXPECT_EQ(first[Split::train].size(), 16U);
  EXPECT_EQ(first[Split::valid].size(), 2U);
  EXPECT_EQ(first[Split::test].size(), 2U);
  const Sequence in_test = first[Split::test].front().sequence;

  // The same files under other names, so that they are read in another order.
  for (int i = 0; i < 20; ++i) {
    fs::rename(dir / message("in/a", i, ".mid"), dir / message("in/", (i * 7) % 20, ".mid"));
  }
  const Dataset renamed = prepare_melodies(dir);
  const auto holds = [&](const Piece& piece) { return piece.sequence == in_test; };
  EXPECT_TRUE(std::any_of(renamed[Split::test].begin(), renamed[Split::test].end(), holds));

  const Dataset other_seed = prepare_melodies(dir, {"--seed", "5"});
  EXPECT_NE(names(other_seed[Split::test]), names(renamed[Split::test]));
}

TEST(Prepare, AugmentsTrainingPiecesOnly) {
  TmpDir dir;
  write_midi_folder(dir / "in", 10);
  const Dataset plain = prepare_melodies(dir);
  const Dataset augmented = prepare_melodies(dir, {"--transpose", "-1..2"});
  EXPECT_EQ(augmented[Split::train].size(), 4 * plain[Split::train].size());
  EXPECT_EQ(augmented[Split::valid].size(), plain[Split::valid].size());
  EXPECT_EQ(names(augmented[Split::test]), names(plain[Split::test]));
}

TEST(Prepare, TransposingThereAndBackIsTheSamePiece) {
  TmpDir dir;
  write_midi_folder(dir / "in", 1);
  const Dataset data = prepare_melodies(dir, {"--transpose", "0,4", "--split", "1,0,0"});
  ASSERT_EQ(data[Split::train].size(), 2U);
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  const Score low = tokenizer->decode(data[Split::train][0].sequence);
  const Score high = tokenizer->decode(data[Split::train][1].sequence);
  EXPECT_EQ(transpose(high, -4), low);
}

TEST(Prepare, RefusesToStretchWhatFollowsTheBeat) {
  TmpDir dir;
  std::ofstream(dir / "a.mid") << "not read before the options are";
  const Finished finished =
      prepare(dir, {"--input", dir / "a.mid", "--tokenizer", "melody", "--stretch", "0.9,1"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_NE(finished.err.find("--stretch"), std::string::npos) << finished.err;
}

TEST(Prepare, KeepsTheSplitsOfAFrameSet) {
  TmpDir dir;
  std::ofstream(dir / "set.json")
      << R"({"train": [[[60], [60, 64]], [[62]]], "valid": [[[64]]], "test": [[[60], [60]]]})";
  const Finished finished = prepare(dir, {"--input", dir / "set.json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Dataset data = load_dataset(dir / "data.safetensors");
  EXPECT_EQ(data.step_kind, StepKind::frame);
  EXPECT_EQ(data[Split::train].size(), 2U);
  EXPECT_EQ(data[Split::valid].size(), 1U);
  EXPECT_EQ(data[Split::test].front().sequence.size(), 2U);
}

TEST(Prepare, TransposesFramesByKeys) {
  TmpDir dir;
  std::ofstream(dir / "set.json") << R"({"train": [[[60], [60, 64]]], "test": [[[64]]]})";
  ASSERT_EQ(prepare(dir, {"--input", dir / "set.json", "--transpose", "0,2"}).exit_code, 0);
  const Dataset data = load_dataset(dir / "data.safetensors");
  ASSERT_EQ(data[Split::train].size(), 2U);
  const Frame moved = data[Split::train][1].sequence.frames[1];
  EXPECT_TRUE(moved.test(62 - kLowestKey) && moved.test(66 - kLowestKey));
  EXPECT_EQ(moved.count(), 2U);
}

TEST(Prepare, FullDiskLeavesNoFile) {
  TmpDir dir;
  write_midi_folder(dir / "in", 8);
  const Finished finished = prepare(dir, {"--input", dir / "in", "--tokenizer", "melody"},
                                    {.environment = {}, .largest_file = 1000});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find(dir / "data.safetensors"), std::string::npos) << finished.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1) << "more than the input";
}

TEST(Prepare, UnwritableOutputFailsNamingIt) {
  TmpDir dir;
  write_midi_folder(dir / "in", 2);
  const Finished finished = run({"prepare", "--input", dir / "in", "--tokenizer", "melody",
                                 "--output", dir / "in/a0.mid/data.safetensors"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find(dir / "in/a0.mid/data.safetensors"), std::string::npos)
      << finished.err;
}

}  // namespace
}  // namespace cadenza::test
