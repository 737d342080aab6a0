// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cadenza/score.h"

namespace cadenza {

enum class Mode : std::uint8_t { major, minor };

/// A major or (natural) minor key.
struct Key {
  int tonic = 0;  ///< pitch class from C
  Mode mode = Mode::major;

  /// 0 to 11 for C major to B major, 12 to 23 for C minor to B minor.
  int number() const { return tonic + (mode == Mode::minor ? 12 : 0); }
  friend bool operator==(const Key&, const Key&) = default;
};
inline constexpr int kKeyCount = 24;
/// The key of a number.
Key key_of(int number);
/// "F# minor"
std::string name_of(const Key& key);

/// "C", "f# major", "Bb minor", "Am": a letter with # or b, then major (the default; also maj) or
/// minor (also min, m). ArgumentError for anything else.
Key named_key(std::string_view text);
/// The seven pitch classes of a key.
std::array<bool, 12> scale_of(const Key& key);

/// The key in which a piece seems to be: the one whose profile correlates best with the shares of
/// the time for which each pitch class sounds, with the profiles of Krumhansl and Kessler
/// ("Tracing the dynamic changes in perceived tonal organization in a spatial representation of
/// musical keys", Psychological Review 89, 1982). Percussion is left out; nothing without a note.
std::optional<Key> estimate_key(const Score& score);

}  // namespace cadenza
