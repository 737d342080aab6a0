// SPDX-License-Identifier: Apache-2.0
#include "cadenza/file.h"

#include <gtest/gtest.h>

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


TEST(ReadFile, RefusesMoreThanTheLimit) {
  const test::TmpDir folder;
  write_file_atomic(folder / "a", std::string(1000, 'x'));
  EXPECT_THROW(read_file(folder / "a", 999), FileError);
  EXPECT_EQ(read_file(folder / "a", 1000).size(), 1000U);
}

}  // namespace
}  // namespace cadenza
