// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace cadenza {

/// Settings as flat text: the key of a nested table is "table.key", a list of scalars is joined by
/// ','. Numbers are in their shortest form: 1e-3 is "0.001".
using Settings = std::map<std::string, std::string, std::less<>>;

/// Reads the part of TOML 1.0 that settings need: tables, dotted keys, strings, numbers, booleans
/// and lists of these. FormatError for bad TOML, for the rest (dates, inline tables, lists of
/// lists or tables), for list items with a comma and for keys other than letters, digits, '_', '-'.
Settings parse_settings(std::string_view toml, const std::string& origin);
Settings load_settings(const std::filesystem::path& path);

/// Writes TOML that parse_settings reads back unchanged: numbers and booleans bare, other values
/// as strings. ArgumentError for keys or text that cannot be written so.
std::string format_settings(const Settings& settings);

}  // namespace cadenza
