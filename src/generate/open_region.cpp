// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cadenza/error.h"
#include "cadenza/infill.h"

namespace cadenza {
namespace {

/// One voice of a piece on a grid.
class VoiceLine {
 public:
  VoiceLine(const Tokenizer& tokenizer, const TokenGrid& grid, const Sequence& piece,
            std::size_t voice)
      : tokenizer_(tokenizer), grid_(grid), piece_(piece), voice_(voice) {}

  std::size_t place(std::int64_t step) const {
    return static_cast<std::size_t>(step) * grid_.voices.size() + voice_;
  }
  bool holds(std::int64_t step) const { return piece_.tokens[place(step)] == grid_.hold; }
  /// The step at which what is there at `step` began; -1 if that is not in the piece.
  std::int64_t onset(std::int64_t step) const {
    while (step >= 0 && holds(step)) --step;
    return step;
  }
  /// Whether a note sounds at `step`.
  bool sounds(std::int64_t step) const {
    const std::int64_t from = onset(step);
    return from >= 0 && tokenizer_.started_pitch(piece_.tokens[place(from)]).has_value();
  }

 private:
  const Tokenizer& tokenizer_;
  const TokenGrid& grid_;
  const Sequence& piece_;
  std::size_t voice_;
};

/// Opens steps [begin, end) of a voice as far as what sounds outside stays.
void open_voice(const VoiceLine& line, std::int64_t steps, std::int64_t begin, std::int64_t end,
                GridBlank& blank) {
  if (end < steps && line.holds(end)) end = std::max(begin, line.onset(end));
  if (begin > 0 && line.sounds(begin - 1)) {
    while (begin < end && line.holds(begin)) ++begin;
    if (begin < end) blank.no_hold[line.place(begin)] = true;
  }
  for (std::int64_t step = begin; step < end; ++step) blank.open[line.place(step)] = true;
}

}  // namespace

GridBlank open_region(const Tokenizer& tokenizer, const Sequence& piece, const GridRegion& region) {
  const std::optional<TokenGrid> grid = tokenizer.grid();
  check(grid.has_value(), "infill: tokens of ", tokenizer.name(), " stand on no grid");
  const std::size_t voices = grid->voices.size();
  check(!piece.tokens.empty() && piece.tokens.size() % voices == 0, "infill: the piece has ",
        piece.tokens.size(), " tokens, expected ", voices, " in every step");
  const auto steps = static_cast<std::int64_t>(piece.tokens.size() / voices);
  check(region.begin < region.end, "infill: the region from step ", region.begin, " to ",
        region.end, " is empty");
  check(region.begin >= 0 && region.end <= steps, "infill: the region from step ", region.begin,
        " to ", region.end, " leaves the piece, which has ", steps);
  check(region.voices.size() == voices, "infill: the region speaks of ", region.voices.size(),
        " voices, the piece has ", voices);
  GridBlank blank = {.sequence = piece,
                     .open = std::vector<bool>(piece.tokens.size()),
                     .no_hold = std::vector<bool>(piece.tokens.size()),
                     .hold = grid->hold};
  for (std::size_t voice = 0; voice < voices; ++voice) {
    if (!region.voices[voice]) continue;
    open_voice(VoiceLine(tokenizer, *grid, piece, voice), steps, region.begin, region.end, blank);
  }
  check(std::find(blank.open.begin(), blank.open.end(), true) != blank.open.end(),
        "infill: nothing in the region can change, as all of it goes on outside or is kept");
  return blank;
}

}  // namespace cadenza
