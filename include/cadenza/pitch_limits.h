// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "cadenza/tokenizer.h"

namespace cadenza {

/// Which pitches new music may use.
struct PitchLimits {
  int lowest = 0;     ///< MIDI pitch
  int highest = 127;  ///< MIDI pitch
  /// Pitch classes from C; all by default.
  std::array<bool, 12> classes = {true, true, true, true, true, true,
                                  true, true, true, true, true, true};

  /// Whether they limit nothing.
  bool all() const { return *this == PitchLimits(); }
  bool allow(int pitch) const {
    return pitch >= lowest && pitch <= highest && classes[static_cast<std::size_t>(pitch % 12)];
  }
  friend bool operator==(const PitchLimits&, const PitchLimits&) = default;
};

/// The seven pitch classes of a key named as for named_key().
std::array<bool, 12> parse_key(std::string_view text);

/// For a draw: every token but those that start a pitch outside the limits. ArgumentError if the
/// tokenizer's tokens start no pitches (frames) or none within the limits.
std::vector<bool> allowed_tokens(const Tokenizer& tokenizer, const PitchLimits& limits);

}  // namespace cadenza
