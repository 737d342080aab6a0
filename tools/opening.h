// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "cadenza/vae.h"

namespace cadenza::tools {

/// What a model of whole pieces reads of a MIDI file.
struct Opening {
  Sequence piece;
  std::size_t bars = 0;
};

/// As many bars from the first that sounds as the model takes. ArgumentError names the file if that
/// is none.
Opening read_opening(const std::string& path, const LoadedVae& loaded);

}  // namespace cadenza::tools
