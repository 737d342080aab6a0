// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <iterator>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/midi.h"
#include "cadenza/render.h"
#include "render/process.h"
#include "support/expect_error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

int entries(const test::TmpDir& folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

TEST(RunProgram, ReturnsTheStatusAndWhatWasPrinted) {
  std::string output;
  EXPECT_EQ(run_program({"sh", "-c", "echo out; echo err >&2; exit 3"}, &output), 3);
  EXPECT_EQ(output, "out\nerr\n");
}

TEST(RunProgram, PassesArgumentsUntouched) {
  std::string output;
  EXPECT_EQ(run_program({"printf", "%s", "$HOME; `id` \"x\""}, &output), 0);
  EXPECT_EQ(output, "$HOME; `id` \"x\"");
}

TEST(RunProgram, SurvivesProgramsThatPrintMuch) {
  std::string output;
  EXPECT_EQ(run_program({"head", "-c", "1000000", "/dev/zero"}, &output), 0);
  EXPECT_EQ(output.size(), 4096U);
}

TEST(RunProgram, TellsSignalsAndMissingPrograms) {
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"}, nullptr), 128 + SIGKILL);
  EXPECT_EQ(run_program({"no-such-program-anywhere"}, nullptr), -1);
}

TEST(RenderWav, RendersAsLongAsTheMusicLasts) {
  std::string reason;
  if (!wav_available(&reason)) GTEST_SKIP() << reason;
  const test::TmpDir folder;
  Score score;
  score.tracks.resize(1);
  score.tracks[0].notes = {{0, 960, 60, 100}};  // one second
  write_midi_file(score, folder / "-a b.mid");
  render_wav(folder / "-a b.mid", folder / "-out.audio");
  const auto bytes = read_file(folder / "-out.audio");
  ASSERT_GT(bytes.size(), 44U + 44100U * 4U);
  EXPECT_EQ(std::memcmp(bytes.data(), "RIFF", 4), 0);
  EXPECT_EQ(std::memcmp(bytes.data() + 8, "WAVE", 4), 0);
  EXPECT_EQ(entries(folder), 2);
}

TEST(RenderWav, SaysWhatFailedAndLeavesNothing) {
  std::string reason;
  if (!wav_available(&reason)) GTEST_SKIP() << reason;
  const test::TmpDir folder;
  write_file_atomic(folder / "bad.mid", "not music");
  test::expect_error<Error>([&] { render_wav(folder / "bad.mid", folder / "a.wav"); },
                            "fluidsynth ended with status 255 and said \"No midi file");
  test::expect_error<FileError>([&] { render_wav(folder / "missing.mid", folder / "a.wav"); },
                                "missing.mid");
  EXPECT_EQ(entries(folder), 1);
}

TEST(RenderWav, NamesTheFolderThatIsMissing) {
  std::string reason;
  if (!wav_available(&reason)) GTEST_SKIP() << reason;
  const test::TmpDir folder;
  Score score;
  score.tracks.resize(1);
  score.tracks[0].notes = {{0, 10, 60, 100}};
  write_midi_file(score, folder / "a.mid");
  test::expect_error<Error>([&] { render_wav(folder / "a.mid", folder / "missing/a.wav"); },
                            "missing/a.wav");
}

}  // namespace
}  // namespace cadenza
