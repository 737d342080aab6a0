// SPDX-License-Identifier: Apache-2.0
#include "cadenza/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iterator>
#include <string>

#include "cadenza/error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

std::string text_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(WriteFileAtomic, ReplacesTheContentAndLeavesNothingElse) {
  const test::TmpDir folder;
  write_file_atomic(folder / "a", "first");
  write_file_atomic(folder / "a", "second");
  EXPECT_EQ(text_of(folder / "a"), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(WriteFileAtomic, NamesThePathWhenTheFolderIsMissing) {
  const test::TmpDir folder;
  try {
    write_file_atomic(folder / "missing/a", "text");
    FAIL() << "no exception";
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find("missing/a"), std::string::npos);
  }
}

int entries(const test::TmpDir& folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

TEST(WriteFileAtomic, LeavesTheOldFileAndNothingElseWhenTheDiskIsFull) {
  const test::TmpDir folder;
  write_file_atomic(folder / "a", "old");
  // The limit on file sizes stands in for the full disk; it must not outlive the test.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {100000, 100000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_atomic(folder / "a", std::string(200000, 'x'));
      _exit(1);
    } catch (const FileError& error) {
      const std::string text = error.what();
      _exit(text.find("/a: File too large") != std::string::npos ? 0 : 2);
    }
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(text_of(folder / "a"), "old");
  EXPECT_EQ(entries(folder), 1);
}

TEST(WriteFileAtomic, WritesToTheLongestFileName) {
  const test::TmpDir folder;
  const std::string name(255, 'n');
  write_file_atomic(folder / name, "text");
  EXPECT_EQ(text_of(folder / name), "text");
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status = {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return status.st_mode & 0777;
}

TEST(WriteFileAtomic, KeepsThePermissionsOfTheFileItReplaces) {
  const test::TmpDir folder;
  write_file_atomic(folder / "a", "old");
  ASSERT_EQ(chmod((folder / "a").c_str(), 0640), 0);
  write_file_atomic(folder / "a", "new");
  EXPECT_EQ(mode_of(folder / "a"), 0640U);
}

TEST(WriteFileAtomic, ObeysTheUmaskForANewFile) {
  const test::TmpDir folder;
  const mode_t old = umask(027);
  write_file_atomic(folder / "a", "text");
  umask(old);
  EXPECT_EQ(mode_of(folder / "a"), 0640U);
}

TEST(WriteFileAtomic, WritesThroughALink) {
  const test::TmpDir folder;
  write_file_atomic(folder / "file", "old");
  std::filesystem::create_symlink("file", folder / "link");
  write_file_atomic(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(text_of(folder / "file"), "new");
}

TEST(WriteFileAtomic, RefusesToReplaceWhatIsNoRegularFile) {
  const test::TmpDir folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THROW(write_file_atomic(folder / "pipe", "text"), FileError);
  EXPECT_THROW(write_file_atomic(folder.path(), "text"), FileError);
  EXPECT_EQ(entries(folder), 1);
}

TEST(WriteFileAtomic, WritesInTheCurrentFolder) {
  const test::TmpDir folder;
  const std::filesystem::path old = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file_atomic("a", "text");
  std::filesystem::current_path(old);
  EXPECT_EQ(text_of(folder / "a"), "text");
}

TEST(ReadFile, ReadsFilesWithoutASize) { EXPECT_GT(read_file("/proc/self/status").size(), 0U); }

TEST(ReadFile, ReadsAnEmptyFile) {
  const test::TmpDir folder;
  write_file_atomic(folder / "a", "");
  EXPECT_TRUE(read_file(folder / "a").empty());
}

TEST(ReadFile, RefusesFoldersAndMissingFiles) {
  const test::TmpDir folder;
  EXPECT_THROW(read_file(folder.path()), FileError);
  EXPECT_THROW(read_file(folder / "missing"), FileError);
}

TEST(ReadFile, RefusesMoreThanTheLimit) {
  const test::TmpDir folder;
  write_file_atomic(folder / "a", std::string(1000, 'x'));
  EXPECT_THROW(read_file(folder / "a", 999), FileError);
  EXPECT_EQ(read_file(folder / "a", 1000).size(), 1000U);
  EXPECT_EQ(read_file(folder / "a", ~std::size_t{0}).size(), 1000U);
  EXPECT_THROW(read_file(folder / "a", 0), FileError);
}

}  // namespace
}  // namespace cadenza
