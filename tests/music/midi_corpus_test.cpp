// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "cadenza/midi.h"
#include "support/shared_data.h"

namespace cadenza {
namespace {

std::vector<std::filesystem::path> midi_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".mid") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void expect_identical_after_writing(const std::filesystem::path& folder, std::size_t least_files) {
  const auto files = midi_files(folder);
  ASSERT_GE(files.size(), least_files);
  for (const auto& path : files) {
    const Score score = read_midi_file(path).score;
    ASSERT_GT(score.note_count(), 0u) << path;
    for (const bool running_status : {true, false}) {
      const MidiFile again =
          read_midi(write_midi(score, {.format = 1, .running_status = running_status}));
      ASSERT_EQ(again.score, score) << path;
      ASSERT_TRUE(again.warnings.empty()) << path << ": " << again.warnings.front();
    }
  }
}

TEST(MidiCorpus, Pop909IsIdenticalAfterWriting) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data";
  expect_identical_after_writing(test::shared_data() / "pop909", 808);
}

TEST(MidiCorpus, NottinghamIsIdenticalAfterWriting) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data";
  expect_identical_after_writing(test::shared_data() / "nottingham", 3089);
}

TEST(MidiCorpus, Format0KeepsEveryNoteOfPop909) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data";
  for (const auto& path : midi_files(test::shared_data() / "pop909")) {
    const Score score = read_midi_file(path).score;
    Score again = read_midi(write_midi(score, {.format = 0})).score;
    // Three Tracks on three channels: only their names are lost.
    ASSERT_EQ(again.tracks.size(), score.tracks.size()) << path;
    for (std::size_t i = 0; i < again.tracks.size(); ++i) {
      again.tracks[i].name = score.tracks[i].name;
    }
    ASSERT_EQ(again, score) << path;
  }
}

}  // namespace
}  // namespace cadenza
