// SPDX-License-Identifier: Apache-2.0
// Any bytes either fail with FormatError or give settings that are read back equal when written.
#include <cstdint>
#include <optional>

#include "cadenza/error.h"
#include "io/settings.h"
#include "tests/fuzz/require.h"

using namespace cadenza;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::optional<Settings> settings;
  try {
    settings = parse_settings({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const FormatError& error) {
    require(error.offset() <= size, "an offset beyond the input");
    return 0;
  }
  require(parse_settings(format_settings(*settings), "again") == *settings,
          "settings do not read back equal");
  return 0;
}
