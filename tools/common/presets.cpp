// SPDX-License-Identifier: Apache-2.0
#include "tools/common/presets.h"

#include <algorithm>

#include "cadenza/error.h"
#include "tools/common/command.h"

namespace cadenza::tools {
namespace fs = std::filesystem;

fs::path presets_folder() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  return (program.parent_path() / CADENZA_PRESETS_FROM_PROGRAM).lexically_normal();
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(presets_folder(), ignored)) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path preset_path(const std::string& name) {
  const std::vector<std::string> names = preset_names();
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    return presets_folder() / (name + ".toml");
  }
  std::string known;
  for (const std::string& candidate : names) known += (known.empty() ? "" : ", ") + candidate;
  throw UsageError(message("there is no preset '", name, "' in ", presets_folder().string(),
                           known.empty() ? "" : "; known: ", known));
}

}  // namespace cadenza::tools
