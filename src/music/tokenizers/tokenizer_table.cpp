// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "cadenza/error.h"
#include "cadenza/tokenizer.h"
#include "music/tokenizers/factories.h"

namespace cadenza {
namespace {

constexpr std::array kInfos = {
    TokenizerInfo{"melody", "one line, one token per sixteenth: hold, note off, or a pitch"},
    TokenizerInfo{"performance", "388 events: note on and off, 10 ms time shifts, 32 velocities"},
    TokenizerInfo{"remi", "284 events: bar, position, pitch, velocity, duration, drums"},
    TokenizerInfo{"chorale", "four voices interleaved, one token per voice and sixteenth"},
    TokenizerInfo{"pianoroll", "frames of 88 piano keys"},
    TokenizerInfo{"ids", "bare token numbers; ids below 128 sound as MIDI pitches"},
};

using Maker = std::unique_ptr<Tokenizer> (*)(std::string_view settings);
constexpr std::array<Maker, kInfos.size()> kMakers = {
    make_melody_tokenizer,  make_performance_tokenizer, make_remi_tokenizer,
    make_chorale_tokenizer, make_pianoroll_tokenizer,   make_ids_tokenizer,
};

}  // namespace

std::span<const TokenizerInfo> tokenizers() { return kInfos; }

std::unique_ptr<Tokenizer> make_tokenizer(std::string_view name, std::string_view settings) {
  for (std::size_t i = 0; i < kInfos.size(); ++i) {
    if (kInfos[i].name == name) return kMakers[i](settings);
  }
  std::string known;
  for (const TokenizerInfo& info : kInfos) {
    if (!known.empty()) known += ", ";
    known += info.name;
  }
  throw ArgumentError(message("tokenizer: expected one of ", known, ", got \"", name, "\""));
}

Sequence Tokenizer::encode_primer(const Score& score, std::string* reason) const {
  std::vector<Sequence> sequences = encode(score, reason);
  if (sequences.empty()) return {};
  Sequence primer = std::move(sequences.front());
  if (!primer.tokens.empty() && end_token() == primer.tokens.back()) primer.tokens.pop_back();
  return primer;
}

}  // namespace cadenza
