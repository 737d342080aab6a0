// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cadenza::tools {

/// The folder of presets that belongs to this executable, in a build tree or an installation.
std::filesystem::path presets_folder();
/// Names of the presets, sorted; empty if the folder is missing.
std::vector<std::string> preset_names();
/// The file of a preset; UsageError lists the known names.
std::filesystem::path preset_path(const std::string& name);

}  // namespace cadenza::tools
