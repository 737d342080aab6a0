// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "cadenza/error.h"
#include "cadenza/tokenizer.h"
#include "music/tokenizers/notes.h"

namespace cadenza {
namespace {

constexpr int kHold = -2;
constexpr int kRest = -1;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

Score parse_primer(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  Score score;
  Track track;
  track.name = "primer";
  const int step = decoded_ticks_per_step(4);
  score.ticks_per_quarter = 4 * step;
  bool sounding = false;
  std::int64_t now = 0;
  for (std::size_t item = 1; !text.empty() || item == 1; ++item, now += step) {
    const std::size_t comma = text.find(',');
    const std::string_view number = trim(text.substr(0, comma));
    // A trailing comma leaves one more, empty, item to complain about.
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    int value = 0;
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, value);
    check(error == std::errc() && stop == end && value >= kHold && value <= 127, "primer: item ",
          item, " expected a pitch 0 to 127, -1 (rest) or -2 (hold), got \"", number, "\"");
    if (value >= 0) {
      track.notes.push_back({now, now + step, static_cast<std::uint8_t>(value), kPlainVelocity});
      sounding = true;
    } else if (value == kRest) {
      sounding = false;
    } else if (sounding) {
      track.notes.back().end += step;
    }
    check(comma == std::string_view::npos || !trim(text).empty(), "primer: item ", item + 1,
          " expected a number after the comma, got nothing");
  }
  score.tracks.push_back(std::move(track));
  return score;
}

}  // namespace cadenza
