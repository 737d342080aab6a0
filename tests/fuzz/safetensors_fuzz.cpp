// SPDX-License-Identifier: Apache-2.0
// Any bytes either fail with FormatError or give arrays that lie in the file and are read back
// equal when written. What is a data set is read as one.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "cadenza/error.h"
#include "cadenza/safetensors.h"
#include "io/dataset_reader.h"
#include "tests/fuzz/require.h"

using namespace cadenza;
using fuzz::require;

namespace {

void check_arrays(const SafetensorsReader& file) {
  SafetensorsWriter writer;
  for (const auto& [name, array] : file.arrays()) {
    writer.add(name, array.dtype, array.shape, array.bytes);
  }
  for (const auto& [key, value] : file.metadata()) writer.set_metadata(key, value);
  const SafetensorsReader again(writer.serialize(), "again");
  require(again.metadata() == file.metadata(), "the metadata does not read back equal");
  require(again.arrays().size() == file.arrays().size(), "arrays are lost");
  for (const auto& [name, array] : file.arrays()) {
    const FileArray& other = again.at(name);
    require(other.dtype == array.dtype && other.shape == array.shape, "an array changes type");
    require(std::ranges::equal(other.bytes, array.bytes), "an array changes its values");
  }
}

void check_dataset(const SafetensorsReader& file) {
  std::optional<Dataset> dataset;
  try {
    dataset = read_dataset(file);
  } catch (const FormatError&) {
    return;
  }
  for (const auto& pieces : dataset->splits) {
    for (const Piece& piece : pieces) {
      for (const std::int32_t token : piece.sequence.tokens) {
        require(token >= 0 && token < dataset->vocabulary, "a token outside the vocabulary");
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::optional<SafetensorsReader> file;
  try {
    file.emplace(std::as_bytes(std::span(data, size)), "fuzz");
  } catch (const FormatError& error) {
    require(error.offset() <= size, "an offset beyond the input");
    return 0;
  }
  check_arrays(*file);
  check_dataset(*file);
  return 0;
}
