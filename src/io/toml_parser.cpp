// SPDX-License-Identifier: Apache-2.0
// https://toml.io/en/v1.0.0. Nothing here recurses: lists do not nest and tables are flat names.
#include <algorithm>
#include <set>

#include "cadenza/error.h"
#include "io/printable.h"
#include "io/settings.h"
#include "io/toml_scalar.h"

namespace cadenza {
namespace {

void append_utf8(std::string& text, unsigned code) {
  const auto append = [&](unsigned byte) { text += static_cast<char>(byte); };
  const auto tail = [](unsigned value) { return 0x80U | (value & 0x3fU); };
  if (code < 0x80) {
    append(code);
  } else if (code < 0x800) {
    append(0xc0 | code >> 6);
    append(tail(code));
  } else if (code < 0x10000) {
    append(0xe0 | code >> 12);
    append(tail(code >> 6));
    append(tail(code));
  } else {
    append(0xf0 | code >> 18);
    append(tail(code >> 12));
    append(tail(code >> 6));
    append(tail(code));
  }
}

class TomlParser {
 public:
  TomlParser(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  Settings parse() {
    position_ = utf8_fault(text_);
    if (position_ < text_.size()) fail("a byte that is not UTF-8");
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    position_ = text_.substr(0, 3) == kByteOrderMark ? 3 : 0;
    while (true) {
      skip_blank();
      if (position_ == text_.size()) return std::move(settings_);
      if (accept('[')) {
        header();
      } else {
        assignment();
      }
      skip_space();
      if (position_ < text_.size() && peek() != '#' && !at_newline()) {
        fail("text where the line should end");
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { fail(what, position_); }

  [[noreturn]] void fail(const std::string& what, std::size_t offset) const {
    const auto begin = text_.begin();
    const auto line = 1 + std::count(begin, begin + static_cast<std::ptrdiff_t>(offset), '\n');
    throw FormatError(message(origin_, " line ", line, ": ", what), offset);
  }

  // '\0', which TOML nowhere allows, at the end.
  char peek(std::size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }

  bool accept(char c) {
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  bool at_newline() const { return peek() == '\n' || (peek() == '\r' && peek(1) == '\n'); }

  void skip_space() {
    while (peek() == ' ' || peek() == '\t') ++position_;
  }

  // White space, line ends and comments.
  void skip_blank() {
    while (true) {
      skip_space();
      if (at_newline()) {
        position_ += peek() == '\r' ? 2 : 1;
      } else if (peek() == '#') {
        while (position_ < text_.size() && !at_newline()) check_character();
      } else {
        return;
      }
    }
  }

  // Steps over one byte of a comment or string; control characters but tabs are not allowed.
  void check_character() {
    const auto code = static_cast<unsigned char>(text_[position_]);
    if ((code < 0x20 && code != '\t') || code == 0x7f) fail("a control character");
    ++position_;
  }

  std::string key() {
    std::string name;
    while (true) {
      skip_space();
      const std::size_t begin = position_;
      std::string part;
      if (peek() == '"' || peek() == '\'') {
        part = quoted(false);
      } else {
        while (is_bare_key(text_.substr(position_, 1))) ++position_;
        part = text_.substr(begin, position_ - begin);
        if (part.empty()) fail("no key where one should be");
      }
      if (!is_bare_key(part)) {
        fail("the key " + printable(part) + " is not made of letters, digits, '_' and '-'", begin);
      }
      name += part;
      skip_space();
      if (!accept('.')) return name;
      name += '.';
    }
  }

  void header() {
    const std::size_t begin = position_;
    if (peek() == '[') fail("lists of tables are not supported");
    table_ = key();
    if (!accept(']')) fail("no ']' after the name of the table");
    if (!headers_.insert(table_).second) {
      fail("the table " + printable(table_) + " occurs twice", begin);
    }
    check_free(table_, begin);
    table_ += '.';
  }

  void assignment() {
    const std::size_t begin = position_;
    const std::string name = table_ + key();
    if (!accept('=')) fail("no '=' after the key " + printable(name));
    skip_space();
    check_free(name, begin);
    const auto inside = settings_.lower_bound(name + ".");
    if (headers_.contains(name) ||
        (inside != settings_.end() && inside->first.starts_with(name + "."))) {
      fail("the key " + printable(name) + " is a table already", begin);
    }
    settings_[name] = accept('[') ? list(name) : scalar(name);
  }

  // Neither the name nor a table that it lies in has a value.
  void check_free(const std::string& name, std::size_t offset) const {
    if (std::count(name.begin(), name.end(), '.') >= kMostKeyParts) {
      fail(message("a key of more than ", kMostKeyParts, " parts"), offset);
    }
    for (std::size_t end = 0; end != std::string::npos;) {
      end = name.find('.', end == 0 ? 0 : end + 1);
      const std::string_view part = std::string_view(name).substr(0, end);
      if (settings_.contains(part)) {
        fail("the key " + printable(part) + " has a value already", offset);
      }
    }
  }

  std::string list(const std::string& name) {
    std::string joined;
    for (bool first = true;; first = false) {
      skip_blank();
      if (accept(']')) return joined;
      const std::size_t begin = position_;
      const std::string item = scalar(name);
      if (item.find(',') != std::string::npos) {
        fail("the list " + printable(name) + " has an item with a comma", begin);
      }
      if (!first) joined += ',';
      joined += item;
      skip_blank();
      if (accept(']')) return joined;
      if (!accept(',')) fail("neither ',' nor ']' after an item of the list " + printable(name));
    }
  }

  std::string scalar(const std::string& name) {
    if (peek() == '"' || peek() == '\'') return quoted(true);
    const std::size_t begin = position_;
    constexpr std::string_view kEnd = " \t\r\n,]#";
    position_ = std::min(text_.find_first_of(kEnd, begin), text_.size());
    const std::string_view bare = text_.substr(begin, position_ - begin);
    const std::optional<std::string> value = canonical_scalar(bare);
    if (!value) {
      fail(message("the value ", printable(bare), " of ", printable(name),
                   " is neither text in quotes, number, boolean nor a list of these"),
           begin);
    }
    return *value;
  }

  // "basic" with escapes or 'literal', the long forms in three quotes only where `may_be_long`.
  std::string quoted(bool may_be_long) {
    const char quote = peek();
    const bool is_long = may_be_long && peek(1) == quote && peek(2) == quote;
    position_ += is_long ? 3 : 1;
    if (is_long && at_newline()) position_ += peek() == '\r' ? 2 : 1;
    std::string value;
    while (position_ < text_.size()) {
      if (peek() == quote && !is_long) {
        ++position_;
        return value;
      }
      if (peek() == quote && peek(1) == quote && peek(2) == quote) {
        position_ += 3;
        // Up to two more quotes belong to the content.
        for (int i = 0; i < 2 && accept(quote); ++i) value += quote;
        return value;
      }
      if (at_newline() && is_long) {
        position_ += peek() == '\r' ? 2 : 1;
        value += '\n';
      } else if (peek() == '\\' && quote == '"') {
        escape(value, is_long);
      } else {
        value += peek();
        check_character();
      }
    }
    fail("a string does not end");
  }

  void escape(std::string& value, bool is_long) {
    constexpr std::string_view kLetters = "btnfr\"\\";
    constexpr std::string_view kMeanings = "\b\t\n\f\r\"\\";
    ++position_;
    const char letter = peek();
    const std::size_t index = kLetters.find(letter);
    if (index != std::string_view::npos && letter != '\0') {
      value += kMeanings[index];
      ++position_;
    } else if (letter == 'u' || letter == 'U') {
      ++position_;
      append_utf8(value, code_point(letter == 'u' ? 4 : 8));
    } else if (is_long && continues_line()) {
      while (peek() == ' ' || peek() == '\t' || at_newline()) {
        position_ += peek() == '\r' ? 2 : 1;
      }
    } else {
      fail("an unknown escape in a string");
    }
  }

  // Only white space up to the end of the line.
  bool continues_line() const {
    const std::size_t end = text_.find_first_not_of(" \t", position_);
    return end != std::string_view::npos && (text_[end] == '\n' || text_.substr(end, 2) == "\r\n");
  }

  unsigned code_point(std::size_t digits) {
    unsigned code = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      constexpr std::string_view kHex = "0123456789abcdef";
      const char c = peek();
      const std::size_t digit = kHex.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
      if (digit == std::string_view::npos || c == '\0') fail("an escape lacks hexadecimal digits");
      code = code * 16 + static_cast<unsigned>(digit);
      ++position_;
    }
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
      fail("an escape that is not a character");
    }
    return code;
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t position_ = 0;
  std::string table_;  // with its dot
  std::set<std::string> headers_;
  Settings settings_;
};

}  // namespace

Settings parse_settings(std::string_view toml, const std::string& origin) {
  return TomlParser(toml, origin).parse();
}

}  // namespace cadenza
