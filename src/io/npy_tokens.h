// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "cadenza/dataset.h"

namespace cadenza {

/// load_npy_tokens of a file in memory; pieces are called "<origin> 0" and so on.
Dataset parse_npy_tokens(std::span<const std::byte> file, const std::string& origin);

}  // namespace cadenza
