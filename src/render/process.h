// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cadenza {

/// Runs a program found on PATH, without a shell and without input, and waits for it. What it
/// prints goes to `output`. Returns its exit status, 128 + n after signal n, or -1 if it could not
/// be started.
int run_program(const std::vector<std::string>& command, std::string* output);

}  // namespace cadenza
