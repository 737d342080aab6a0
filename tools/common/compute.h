// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cadenza/backend.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {

/// The options of every command that computes.
struct ComputeOptions {
  std::string backend = "auto";
  std::string precision = "auto";  ///< BackendInfo::preferred
  int threads = 0;
  bool explain = false;
};

void add_compute_options(Arguments& arguments, ComputeOptions& options);
/// UsageError for values that make no sense on any machine.
void check_compute_options(const ComputeOptions& options);
/// Says on stderr what was chosen.
std::unique_ptr<Backend> open_backend(const ComputeOptions& options);
/// With --explain: says on stderr what the backend chose in the work it has done.
void explain_decisions(const ComputeOptions& options, const Backend& backend);

}  // namespace cadenza::tools
