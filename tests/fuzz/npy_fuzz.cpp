// SPDX-License-Identifier: Apache-2.0
// Any bytes either fail with FormatError or give an array whose size fits its shape, and tokens
// inside the vocabulary.
#include <cstdint>

#include "cadenza/error.h"
#include "io/npy.h"
#include "io/npy_tokens.h"
#include "tests/fuzz/require.h"

using namespace cadenza;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const NpyArray array = parse_npy(bytes, "fuzz");
    std::size_t expected = size_of(array.dtype);
    for (const std::int64_t extent : array.shape) expected *= static_cast<std::size_t>(extent);
    require(array.bytes.size() == expected, "the size does not fit the shape");
    require(array.data_offset + expected == size, "bytes are left over");
    const Dataset dataset = parse_npy_tokens(bytes, "fuzz");
    for (const Piece& piece : dataset[Split::train]) {
      for (const std::int32_t token : piece.sequence.tokens) {
        require(token >= 0 && token < dataset.vocabulary, "a token outside the vocabulary");
      }
    }
  } catch (const FormatError& error) {
    require(error.offset() <= size, "an offset beyond the input");
  }
  return 0;
}
