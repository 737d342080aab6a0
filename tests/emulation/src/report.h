// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace cadenza::emulation {

/// Remembers what was wrong with a launch.
void set_report(const std::string& report);

}  // namespace cadenza::emulation
