// SPDX-License-Identifier: Apache-2.0
#include "io/json_events.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "io/printable.h"

namespace cadenza {
namespace {

// Reads characters and tells how far it came: the parser hands out no offsets by itself.
class TrackedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackedIterator(const char* position, const char** reached)
      : position_(position), reached_(reached) {}
  const char& operator*() const { return *position_; }
  TrackedIterator& operator++() {
    *reached_ = ++position_;
    return *this;
  }
  bool operator==(const TrackedIterator& other) const { return position_ == other.position_; }
  bool operator!=(const TrackedIterator& other) const { return position_ != other.position_; }

 private:
  const char* position_;
  const char** reached_;
};

// Turns the parser's callbacks into ours.
struct Adapter {
  JsonEvents& events;

  bool null() { return events.null(), true; }
  bool boolean(bool value) { return events.boolean(value), true; }
  bool number_integer(std::int64_t value) { return events.integer(value), true; }
  bool number_unsigned(std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      events.integer(static_cast<std::int64_t>(value));
    } else {
      events.real(static_cast<double>(value));
    }
    return true;
  }
  bool number_float(double value, const std::string&) { return events.real(value), true; }
  bool string(std::string& value) { return events.text(value), true; }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(std::size_t) { return events.start_object(), true; }
  bool key(std::string& value) { return events.key(value), true; }
  bool end_object() { return events.end_object(), true; }
  bool start_array(std::size_t) { return events.start_array(), true; }
  bool end_array() { return events.end_array(), true; }
  bool parse_error(std::size_t, const std::string& token, const nlohmann::json::exception&) {
    events.fail("not valid JSON near " + printable(token));
  }
};

}  // namespace

void JsonEvents::parse(std::span<const std::byte> text, std::string origin,
                       std::size_t first_offset) {
  origin_ = std::move(origin);
  first_offset_ = first_offset;
  begin_ = reinterpret_cast<const char*>(text.data());
  reached_ = begin_;
  const char* end = begin_ + text.size();
  Adapter adapter{*this};
  nlohmann::json::sax_parse(TrackedIterator(begin_, &reached_), TrackedIterator(end, &reached_),
                            &adapter);
  // The parser takes a zero byte for the end of its input.
  if (std::find(begin_, end, '\0') != end) fail("not valid JSON: a zero byte");
}

void JsonEvents::fail(const std::string& what) const {
  throw FormatError(origin_ + ": " + what,
                    first_offset_ + static_cast<std::size_t>(reached_ - begin_));
}

void JsonEvents::unexpected(const char* what) const {
  fail(message("unexpected ", what, " in ", where()));
}

}  // namespace cadenza
