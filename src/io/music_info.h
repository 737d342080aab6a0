// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cadenza/dataset.h"

namespace cadenza {

/// As it stands in the metadata of data and model files under "music".
std::string to_json(const MusicInfo& music);
/// Of data with so many labels. FormatError naming `origin` for anything missing, of another type,
/// out of range or for another number of labels.
MusicInfo music_info_from_json(const std::string& text, std::size_t labels,
                               const std::string& origin);

}  // namespace cadenza
