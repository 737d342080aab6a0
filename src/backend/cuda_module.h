// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cadenza/backend.h"

// The backends that need CUDA live in a module of their own, which is loaded when one of them is
// asked for: a machine without CUDA runs the same library, and nothing but a GPU pays for CUDA's
// start-up.

namespace cadenza {

/// Why backend "cuda" or "cudnn" does not work on this machine and what would help; empty if it
/// works.
std::string cuda_obstacle(std::string_view name);
/// The backend of that name, for which cuda_obstacle() is empty.
std::unique_ptr<Backend> make_cuda_backend(std::string_view name, const BackendOptions& options);

}  // namespace cadenza
