// SPDX-License-Identifier: Apache-2.0
#include "io/settings.h"

#include <algorithm>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "io/printable.h"
#include "io/toml_scalar.h"

namespace cadenza {
namespace {

std::string quote(const std::string& key, const std::string& value) {
  check(utf8_fault(value) == value.size(), "settings: the value of ", printable(key),
        " is not UTF-8");
  std::string quoted = "\"";
  for (const char c : value) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (code < 0x20 || code == 0x7f) {
      quoted += "\\u00";
      quoted += kHex[code >> 4];
      quoted += kHex[code & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

// "a.b" needs bare parts, and no setting may itself be called "a".
void check_key(const Settings& settings, std::string_view key) {
  check(std::count(key.begin(), key.end(), '.') < kMostKeyParts, "settings: the key ",
        printable(key), " has more than ", kMostKeyParts, " parts");
  std::size_t begin = 0;
  while (true) {
    const std::size_t dot = std::min(key.find('.', begin), key.size());
    check(is_bare_key(key.substr(begin, dot - begin)), "settings: the key ", printable(key),
          " is not made of letters, digits, '_', '-' and single dots");
    if (dot == key.size()) return;
    check(!settings.contains(key.substr(0, dot)), "settings: ", printable(key.substr(0, dot)),
          " is both a value and the table of ", printable(key));
    begin = dot + 1;
  }
}

}  // namespace

Settings load_settings(const std::filesystem::path& path) {
  constexpr std::size_t kLargest = std::size_t{16} << 20;
  const std::vector<std::byte> bytes = read_file(path, kLargest);
  return parse_settings({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

std::string format_settings(const Settings& settings) {
  std::string text;
  for (const auto& [key, value] : settings) {
    check_key(settings, key);
    const bool bare = canonical_scalar(value) == value;
    text += message(key, " = ", bare ? value : quote(key, value), "\n");
  }
  return text;
}

}  // namespace cadenza
