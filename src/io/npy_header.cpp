// SPDX-License-Identifier: Apache-2.0
#include "io/npy_header.h"

#include <charconv>
#include <set>

#include "cadenza/error.h"
#include "io/printable.h"

namespace cadenza {
namespace {

constexpr std::size_t kMaxDimensions = 64;

// Reads the few forms of Python literals that occur in a header.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& origin, std::size_t first_offset)
      : text_(text), origin_(origin), first_offset_(first_offset) {}

  NpyHeader parse() {
    NpyHeader header;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      if (!keys_.insert(key).second) fail("the key " + printable(key) + " occurs twice");
      expect(':');
      if (key == "descr") {
        if (accept('[')) fail("arrays of structures are not supported");
        header.descr = string();
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
      } else if (key == "shape") {
        header.shape = tuple();
      } else {
        fail("unknown key " + printable(key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (position_ != text_.size()) fail("text after the header's dictionary");
    for (const char* key : {"descr", "fortran_order", "shape"}) {
      if (!keys_.contains(key)) fail(message("the header has no '", key, "'"));
    }
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(origin_ + ": " + what, first_offset_ + position_);
  }

  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) {
      ++position_;
    }
  }

  bool accept(char c) {
    skip_space();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(message("the header is not a NumPy dictionary, expected '", c, "'"));
  }

  std::string string() {
    skip_space();
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    if (quote != '\'' && quote != '"') fail("the header has no quoted string where one must be");
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) fail("a string in the header does not end");
    const std::string value(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return value;
  }

  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(position_, word.size()) == word) {
        position_ += word.size();
        return word == "True";
      }
    }
    fail("'fortran_order' is neither True nor False");
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t value = 0;
      const char* begin = text_.data() + position_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
      if (error != std::errc() || value < 0) fail("'shape' holds something else than extents");
      position_ += static_cast<std::size_t>(end - begin);
      values.push_back(value);
      if (values.size() > kMaxDimensions) fail("'shape' has more than 64 dimensions");
      accept('L');  // Python 2 wrote long integers so
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::string_view text_;
  const std::string& origin_;
  std::size_t first_offset_;
  std::size_t position_ = 0;
  std::set<std::string> keys_;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& origin,
                           std::size_t first_offset) {
  return HeaderParser(text, origin, first_offset).parse();
}

}  // namespace cadenza
