// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/opening.h"

#include <algorithm>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/prepare/bars.h"

namespace cadenza::tools {

void add_opening_option(Arguments& arguments, int& bars) {
  arguments.add("--bars", bars,
                "bars to read, from the first that sounds; 0: as many as the pieces that the model "
                "was trained on");
}

void check_bars(int bars) {
  if (bars < 0) throw UsageError(message("--bars is ", bars, ", expected 0 or more"));
}

void add_fit_option(Arguments& arguments, int& updates) {
  arguments.add(
      "--fit", updates,
      "updates of the codes of what was read, at most, until they bring it back whole; 0: "
      "as the encoder gives them");
}

void check_fit(int updates) {
  if (updates < 0) throw UsageError(message("--fit is ", updates, ", expected 0 or more"));
}

Opening read_opening(const std::string& path, const LoadedVae& loaded, int bars) {
  const Score score = read_midi_file(path).score;
  const std::vector<std::int64_t> lines = bar_lines(score, 1);
  const std::vector<bool> sounds = sounding_bars(score, lines);
  const auto first =
      static_cast<std::size_t>(std::find(sounds.begin(), sounds.end(), true) - sounds.begin());
  const auto most = static_cast<std::size_t>(loaded.info.config.steps);
  if (bars == 0) bars = loaded.info.music.bars;
  const auto wanted = static_cast<std::size_t>(bars);
  Opening opening;
  std::string reason = "holds no notes";
  for (std::size_t count = std::max(wanted, std::size_t{1}); first + count < lines.size();
       ++count) {
    Sequence piece =
        loaded.tokenizer->encode_primer(cut(score, lines[first], lines[first + count]), &reason);
    if (piece.size() > most) {
      reason = message("its first ", count, " bars have ", piece.size(),
                       " tokens, the model takes up to ", most);
      break;
    }
    if (piece.size() > 0) opening = {std::move(piece), count};
    if (count == wanted) break;
  }
  if (first + wanted >= lines.size() && first < sounds.size()) {
    reason = message("has ", sounds.size() - first, " bars, expected ", bars);
  }
  if (opening.piece.size() == 0) throw ArgumentError(message(path, ": ", reason));
  return opening;
}

}  // namespace cadenza::tools
