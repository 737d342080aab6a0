// SPDX-License-Identifier: Apache-2.0
#include "io/settings.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "io/printable.h"

namespace cadenza {
namespace {

constexpr int kMostKeyParts = 32;

// Byte at which a line and column (1-based, in characters) begin.
std::size_t offset_of(std::string_view text, const toml::source_position& position) {
  std::size_t offset = 0;
  for (auto line = position.line; line > 1; --line) {
    offset = std::min(text.find('\n', offset), text.size());
    if (offset < text.size()) ++offset;
  }
  const auto continues = [&] {
    return offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xc0) == 0x80;
  };
  for (auto column = position.column; column > 1 && offset < text.size(); --column) {
    ++offset;
    while (continues()) ++offset;
  }
  return offset;
}

std::string shortest(double value) {
  std::array<char, 40> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

bool is_bare_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// Flattens a document into a map.
class Flattener {
 public:
  Flattener(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  void flatten(const toml::table& table, const std::string& prefix = {}, int parts = 1) {
    if (parts > kMostKeyParts) {
      fail(message("a key of more than ", kMostKeyParts, " parts"), table);
    }
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (!is_bare_key(name)) {
        fail("the key " + printable(name) + " is not made of letters, digits, '_' and '-'", node);
      }
      if (const toml::table* inner = node.as_table()) {
        flatten(*inner, prefix + name + ".", parts + 1);
      } else if (const toml::array* list = node.as_array()) {
        settings_[prefix + name] = join(*list, prefix + name);
      } else {
        settings_[prefix + name] = scalar(node, prefix + name);
      }
    }
  }

  Settings take() { return std::move(settings_); }

 private:
  [[noreturn]] void fail(const std::string& what, const toml::node& node) const {
    const toml::source_position position = node.source().begin;
    throw FormatError(message(origin_, " line ", position.line, ": ", what),
                      offset_of(text_, position));
  }

  std::string scalar(const toml::node& node, const std::string& key) const {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
    if (const auto* real = node.as_floating_point()) return shortest(real->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    fail(message("'", key, "' is neither text, number, boolean nor a list of these"), node);
  }

  std::string join(const toml::array& list, const std::string& key) const {
    std::string joined;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string item = scalar(list[i], key);
      if (item.find(',') != std::string::npos)
        fail(message("'", key, "' has an item with a comma"), list[i]);
      if (i > 0) joined += ',';
      joined += item;
    }
    return joined;
  }

  std::string_view text_;
  const std::string& origin_;
  Settings settings_;
};

// Whether TOML reads the bare value and gives back the same text.
bool is_canonical_number(const std::string& value) {
  const char* end = value.data() + value.size();
  std::int64_t integer = 0;
  const auto as_integer = std::from_chars(value.data(), end, integer);
  if (as_integer.ec == std::errc() && as_integer.ptr == end)
    return std::to_string(integer) == value;
  double real = 0.0;
  const auto as_real = std::from_chars(value.data(), end, real);
  if (as_real.ec != std::errc() || as_real.ptr != end) return false;
  // Without a point, an exponent or "inf" TOML takes it for an integer, here a too large one.
  return shortest(real) == value && !std::isnan(real) &&
         value.find_first_of(".ei") != std::string::npos;
}

std::string quote(const std::string& key, const std::string& value) {
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
  quoted += '"';
  try {
    (void)toml::parse("x = " + quoted);
  } catch (const toml::parse_error&) {
    throw ArgumentError("settings: the value of '" + key + "' is not UTF-8");
  }
  return quoted;
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

// Looks at a text before the TOML library does and refuses what ends in undefined behaviour there:
// - it builds a table per part of "a.b.c" and destroys them by recursion, so a key of a million
//   parts would exhaust the stack;
// - its test for white space has no answer for most letters beyond ASCII. It asks wherever white
//   space may be: outside of strings and comments, where no such letter is legal, and behind the
//   backslash that continues a line.
class TomlGuard {
 public:
  TomlGuard(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  void check() {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text_.substr(0, 3) == kByteOrderMark) i_ = 3;
    int dots = 0;
    char previous = '\n';
    while (i_ < text_.size()) {
      const char c = text_[i_];
      if (c == '"' || c == '\'') {
        if (!is_one_of(previous, "=,[{.\n")) fail("a quote inside of a value or key");
        skip_string();
      } else if (c == '#') {
        i_ = std::min(text_.find('\n', i_), text_.size());
      } else {
        if (is_beyond_ascii(i_)) fail("a letter beyond ASCII outside of strings and comments");
        if (c == '.' && ++dots >= kMostKeyParts) {
          fail(message("a key of more than ", kMostKeyParts, " parts"));
        }
        if (is_one_of(c, "=,[]{}\n")) dots = 0;
        ++i_;
      }
      if (!is_one_of(c, " \t\r#")) previous = c;
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const auto begin = text_.begin();
    const auto line = 1 + std::count(begin, begin + static_cast<std::ptrdiff_t>(i_), '\n');
    throw FormatError(message(origin_, " line ", line, ": ", what), i_);
  }

  static bool is_one_of(char c, std::string_view set) {
    return set.find(c) != std::string_view::npos;
  }

  bool is_beyond_ascii(std::size_t i) const {
    return i < text_.size() && static_cast<unsigned char>(text_[i]) >= 0x80;
  }

  std::size_t quotes_at(std::size_t i, char quote) const {
    return std::min(text_.find_first_not_of(quote, i), text_.size()) - i;
  }

  // From the opening quotes to behind the closing ones.
  void skip_string() {
    const char quote = text_[i_];
    const bool long_form = quotes_at(i_, quote) >= 3;
    i_ += long_form ? 3 : 1;
    while (i_ < text_.size()) {
      if (text_[i_] == '\\' && quote == '"') {
        if (is_beyond_ascii(text_.find_first_not_of(" \t\r\n", i_ + 1))) {
          fail("a letter beyond ASCII behind a backslash");
        }
        i_ = std::min(i_ + 2, text_.size());
      } else if (long_form && quotes_at(i_, quote) >= 3) {
        i_ += std::min<std::size_t>(quotes_at(i_, quote), 5);  // two may belong to the content
        return;
      } else if (!long_form && (text_[i_] == quote || text_[i_] == '\n')) {
        ++i_;
        return;
      } else {
        ++i_;
      }
    }
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t i_ = 0;
};

}  // namespace

Settings parse_settings(std::string_view toml, const std::string& origin) {
  TomlGuard(toml, origin).check();
  try {
    const toml::table table = toml::parse(toml);
    Flattener flattener(toml, origin);
    flattener.flatten(table);
    return flattener.take();
  } catch (const toml::parse_error& error) {
    const toml::source_position position = error.source().begin;
    throw FormatError(message(origin, " line ", position.line, ": ", error.description()),
                      offset_of(toml, position));
  }
}

Settings load_settings(const std::filesystem::path& path) {
  constexpr std::size_t kLargest = std::size_t{16} << 20;
  const std::vector<std::byte> bytes = read_file(path, kLargest);
  return parse_settings({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

std::string format_settings(const Settings& settings) {
  std::string text;
  for (const auto& [key, value] : settings) {
    check_key(settings, key);
    const bool bare = value == "true" || value == "false" || is_canonical_number(value);
    text += message(key, " = ", bare ? value : quote(key, value), "\n");
  }
  return text;
}

}  // namespace cadenza
