// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "cadenza/dataset.h"

namespace cadenza {

/// load_frames_json of a text in memory; pieces are called "<origin> train 0" and so on.
Dataset parse_frames_json(std::span<const std::byte> text, const std::string& origin);

}  // namespace cadenza
