// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cadenza/dataset.h"

namespace cadenza {

/// As it stands in the metadata of data and model files under "pairs".
std::string to_json(const PairInfo& pairs);
/// FormatError naming `origin` for anything missing, of another type, out of range or with a
/// tokenizer that does not exist.
PairInfo pair_info_from_json(const std::string& text, const std::string& origin);

}  // namespace cadenza
