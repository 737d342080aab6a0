// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/json.h"

namespace cadenza::test {

/// The lines of a training's metrics without what its clocks say.
inline std::vector<nlohmann::json> log_of(const std::filesystem::path& folder) {
  std::vector<nlohmann::json> lines;
  std::ifstream in(folder / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    lines.push_back(parse_json(line));
    for (const char* clock : {"seconds", "steps_per_second"}) lines.back().erase(clock);
  }
  return lines;
}

}  // namespace cadenza::test
