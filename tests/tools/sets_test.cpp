// SPDX-License-Identifier: Apache-2.0
// Music against real music.
#include <gtest/gtest.h>

#include <fstream>

#include "io/json.h"
#include "program.h"
#include "support/tmp_dir.h"

namespace cadenza::test {
namespace {

namespace fs = std::filesystem;

class Sets : public testing::Test {
 protected:
  void SetUp() override {
    write_midi_folder(dir_ / "music", 4);
    write_midi_folder(dir_ / "real", 6);
  }
  Finished evaluate(std::vector<std::string> more) const {
    more.insert(more.begin(), {"evaluate", "--music", dir_ / "music", "--against", dir_ / "real"});
    return run(more);
  }

  TmpDir dir_;
};

TEST_F(Sets, JsonHasTheNineFeaturesOfBoth) {
  const Finished finished = evaluate({"--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto result = parse_json(finished.out);
  EXPECT_EQ(result.at("pieces").at("music"), 4);
  EXPECT_EQ(result.at("pieces").at("against"), 6);
  ASSERT_EQ(result.at("features").size(), 9U);
  for (const auto& [name, feature] : result.at("features").items()) {
    EXPECT_EQ(feature.at("music").size(), feature.at("against").size()) << name;
    EXPECT_GE(feature.at("overlap"), 0.0) << name;
    EXPECT_LE(feature.at("overlap"), 1.0 + 1e-6) << name;
    EXPECT_GE(feature.at("own_divergence"), 0.0) << name;
  }
  EXPECT_TRUE(result.at("music").at("against").contains("empty_beat_rate"));
  EXPECT_TRUE(result.at("self_similarity").contains("music"));
  EXPECT_EQ(result.at("nearest_similarity"), 1.0) << "the four pieces are among the six";
}

TEST_F(Sets, DrawsAPictureAndPrintsATable) {
  const Finished finished = evaluate({"--png", dir_ / "sheet.png"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(read_text(dir_ / "sheet.png").substr(1, 3), "PNG");
  EXPECT_NE(finished.out.find("note-length transitions"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("empty-beat rate"), std::string::npos) << finished.out;
}

TEST_F(Sets, LeavesOutWhatIsNoMusicAndSaysSo) {
  std::ofstream(dir_ / "music/b.mid") << "no music";
  const Finished finished = evaluate({"--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(parse_json(finished.out).at("rejected").at(0).at("file"),
            (dir_ / "music/b.mid").string());
  EXPECT_NE(finished.err.find("b.mid"), std::string::npos);
}

TEST_F(Sets, RefusesASetOfOne) {
  for (int i = 1; i < 4; ++i) fs::remove(dir_ / ("music/a" + std::to_string(i) + ".mid"));
  const Finished finished = evaluate({"--png", dir_ / "sheet.png"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("--music: 1 of 1 file is music"), std::string::npos) << finished.err;
  EXPECT_FALSE(fs::exists(dir_ / "sheet.png"));
}

TEST_F(Sets, UsageNeedsBothAndNoModel) {
  EXPECT_EQ(run({"evaluate", "--music", dir_ / "music"}).exit_code, 2);
  EXPECT_EQ(run({"evaluate", "--against", dir_ / "music"}).exit_code, 2);
  EXPECT_EQ(evaluate({"--model", "x"}).exit_code, 2);
  EXPECT_EQ(run({"evaluate", "--model", "x", "--data", "y", "--png", "z"}).exit_code, 2);
}

}  // namespace
}  // namespace cadenza::test
