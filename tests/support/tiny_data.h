// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "cadenza/dataset.h"

namespace cadenza::test {

/// Small deterministic data: pieces of different lengths over `vocabulary` tokens in which each
/// token mostly follows from the one before it.
inline Dataset tiny_tokens(int vocabulary = 12, int pieces = 7) {
  Dataset data = {.tokenizer_name = "ids",
                  .tokenizer_settings = "vocabulary=" + std::to_string(vocabulary),
                  .step_kind = StepKind::token,
                  .vocabulary = vocabulary};
  std::uint32_t noise = 1;
  for (int p = 0; p < pieces; ++p) {
    Piece piece = {.name = "piece" + std::to_string(p)};
    std::int32_t token = p % vocabulary;
    for (int t = 0; t < 9 + 5 * p; ++t) {
      piece.sequence.tokens.push_back(token);
      noise = noise * 1664525U + 1013904223U;
      token = (token + 1 + static_cast<std::int32_t>((noise >> 28) == 0)) % vocabulary;
    }
    data.splits[p == 0 ? 1 : p == 1 ? 2 : 0].push_back(piece);
  }
  return data;
}

/// Pairs of different lengths: a target is its source with every token raised by one, twice.
inline Dataset tiny_pairs(int pieces = 7) {
  Dataset data = tiny_tokens(12, pieces);
  data.pairs = {.tokenizer_name = "ids", .tokenizer_settings = "vocabulary=11", .vocabulary = 11};
  for (auto& split : data.splits) {
    for (Piece& piece : split) {
      auto& source = piece.source.tokens;
      for (const std::int32_t token : piece.sequence.tokens) source.push_back(token % 11);
      source.resize(source.size() / 4);
      piece.sequence.tokens.clear();
      for (const std::int32_t token : source) {
        piece.sequence.tokens.insert(piece.sequence.tokens.end(), 2, token + 1);
      }
    }
  }
  return data;
}

/// The same pieces with labels "a", "b", "c" in turn.
inline Dataset with_labels(Dataset data) {
  data.labels = {"a", "b", "c"};
  std::int32_t next = 0;
  for (auto& split : data.splits) {
    for (Piece& piece : split) piece.label = next++ % 3;
  }
  return data;
}

/// tiny_tokens as frames: the key of the token and the one a third above.
inline Dataset tiny_frames() {
  Dataset data = tiny_tokens();
  data.tokenizer_name = "pianoroll";
  data.tokenizer_settings = "";
  data.step_kind = StepKind::frame;
  data.vocabulary = 88;
  for (auto& split : data.splits) {
    for (Piece& piece : split) {
      for (const std::int32_t token : piece.sequence.tokens) {
        Frame frame;
        frame.set(static_cast<std::size_t>(30 + token));
        frame.set(static_cast<std::size_t>(34 + token));
        piece.sequence.frames.push_back(frame);
      }
      piece.sequence.tokens.clear();
    }
  }
  return data;
}

}  // namespace cadenza::test
