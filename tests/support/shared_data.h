// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace cadenza::test {

/// The folder of real music beside the project, or $CADENZA_TEST_DATA; empty if there is none.
/// Tests that need it skip themselves: `if (shared_data().empty()) GTEST_SKIP() << "...";`.
inline std::filesystem::path shared_data() {
  const char* environment = std::getenv("CADENZA_TEST_DATA");
  const std::filesystem::path path = environment != nullptr ? environment : CADENZA_SHARED_DATA_DIR;
  return std::filesystem::is_directory(path) ? path : std::filesystem::path();
}

}  // namespace cadenza::test
