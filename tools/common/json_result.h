// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace cadenza::tools {

/// Prints the one object of --json on stdout. File names need not be UTF-8: what is not is
/// replaced.
void print_json(const nlohmann::ordered_json& object);

}  // namespace cadenza::tools
