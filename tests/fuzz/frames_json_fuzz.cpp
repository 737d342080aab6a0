// SPDX-License-Identifier: Apache-2.0
// Any bytes either fail with FormatError or give pieces of frames.
#include <cstdint>

#include "cadenza/error.h"
#include "io/frames_json.h"
#include "tests/fuzz/require.h"

using namespace cadenza;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Dataset dataset = parse_frames_json(std::as_bytes(std::span(data, size)), "fuzz");
    std::size_t steps = 0;
    for (const auto& pieces : dataset.splits) {
      steps += step_count(pieces);
      for (const Piece& piece : pieces) require(piece.sequence.tokens.empty(), "tokens in frames");
    }
    require(2 * steps <= size, "more frames than brackets");
  } catch (const FormatError& error) {
    require(error.offset() <= size, "an offset beyond the input");
  }
  return 0;
}
