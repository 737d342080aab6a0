// SPDX-License-Identifier: Apache-2.0
#include "generate/blank_rows.h"

#include <algorithm>

namespace cadenza {

void check_blank(const GridBlank& blank, const InfillerConfig& config) {
  const std::vector<std::int32_t>& tokens = blank.sequence.tokens;
  check(!tokens.empty() && tokens.size() % static_cast<std::size_t>(config.voices) == 0,
        "infill: a piece has ", tokens.size(), " tokens, expected ", config.voices,
        " in every step");
  check(blank.open.size() == tokens.size() && blank.no_hold.size() == tokens.size(),
        "infill: a piece has ", tokens.size(), " tokens, but ", blank.open.size(), " and ",
        blank.no_hold.size(), " marks of open places");
  check(blank.hold < config.width, "infill: hold is ", blank.hold, ", the vocabulary is ",
        config.width);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    check(blank.open[i] || (tokens[i] >= 0 && tokens[i] < config.width),
          "infill: a piece has the token ", tokens[i], ", the vocabulary is ", config.width);
  }
}

GridRows hidden_rows(std::span<const GridBlank> blanks, std::int64_t voices) {
  GridRows grid;
  for (const GridBlank& blank : blanks) {
    const auto places = static_cast<std::int64_t>(blank.sequence.tokens.size());
    grid.lengths.push_back(static_cast<std::int32_t>(places / voices));
    grid.steps = std::max(grid.steps, places / voices);
  }
  grid.ids.assign(static_cast<std::size_t>(grid.steps * grid.rows() * voices), -1);
  for (std::int64_t b = 0; b < grid.rows(); ++b) {
    const GridBlank& blank = blanks[static_cast<std::size_t>(b)];
    for (std::size_t i = 0; i < blank.open.size(); ++i) {
      const auto p = static_cast<std::int64_t>(i);
      if (blank.open[i]) continue;
      grid.ids[cell_of(grid, voices, {p / voices, b, p % voices})] = blank.sequence.tokens[i];
    }
  }
  return grid;
}

}  // namespace cadenza
