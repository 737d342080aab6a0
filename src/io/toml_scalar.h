// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cadenza {

/// Bounds the work that a key can cause.
inline constexpr int kMostKeyParts = 32;

/// A bare TOML value (boolean, integer or float) in its shortest form; nothing if it is none.
std::optional<std::string> canonical_scalar(std::string_view bare);

/// Whether the key part needs no quotes: letters, digits, '_' and '-', at least one.
bool is_bare_key(std::string_view part);

/// The first byte that is not part of a UTF-8 character (RFC 3629), or the size of the text.
std::size_t utf8_fault(std::string_view text);

}  // namespace cadenza
