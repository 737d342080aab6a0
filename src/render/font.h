// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace cadenza {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

/// The rows of a character, top first; bit 4 is the left pixel. Small letters look like capitals,
/// unknown characters like a box.
using Glyph = std::array<std::uint8_t, kGlyphHeight>;
const Glyph& glyph_of(char character);

}  // namespace cadenza
