// SPDX-License-Identifier: Apache-2.0
#include "opening.h"

#include <algorithm>

#include "bars.h"
#include "cadenza/error.h"
#include "cadenza/midi.h"

namespace cadenza::tools {

Opening read_opening(const std::string& path, const LoadedVae& loaded) {
  const Score score = read_midi_file(path).score;
  const std::vector<std::int64_t> lines = bar_lines(score, 1);
  const std::vector<bool> sounds = sounding_bars(score, lines);
  const auto first =
      static_cast<std::size_t>(std::find(sounds.begin(), sounds.end(), true) - sounds.begin());
  const auto most = static_cast<std::size_t>(loaded.info.config.steps);
  Opening opening;
  std::string reason = "holds no notes";
  for (std::size_t last = first + 1; last < lines.size(); ++last) {
    Sequence piece =
        loaded.tokenizer->encode_primer(cut(score, lines[first], lines[last]), &reason);
    if (piece.size() > most) {
      reason = message("its first bar has ", piece.size(), " tokens, the model takes up to ", most);
      break;
    }
    if (piece.size() > 0) opening = {std::move(piece), last - first};
  }
  if (opening.piece.size() == 0) throw ArgumentError(message(path, ": ", reason));
  return opening;
}

}  // namespace cadenza::tools
