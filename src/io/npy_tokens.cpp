// SPDX-License-Identifier: Apache-2.0
#include "io/npy_tokens.h"

#include <algorithm>
#include <cmath>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "io/npy.h"

namespace cadenza {
namespace {

constexpr int kMidiPitches = 128;
constexpr std::int64_t kIdLimit = std::int64_t{1} << 24;  // the largest vocabulary of "ids"

bool is_floating(DType dtype) {
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::f16;
}

// The elements in row-major order; FormatError if one is not a token id.
std::vector<std::int32_t> to_tokens(const NpyArray& array, const std::string& origin) {
  const auto to_token = [&](auto value, std::size_t index) {
    if (!(value >= 0 && value < kIdLimit && static_cast<std::int64_t>(value) == value)) {
      throw FormatError(message(origin, ": element ", index, " is ", value,
                                ", expected a token id from 0 to ", kIdLimit - 1),
                        array.data_offset);
    }
    return static_cast<std::int32_t>(value);
  };
  std::vector<std::int32_t> tokens;
  const auto append = [&](const auto& values) {
    for (const auto value : values) tokens.push_back(to_token(value, tokens.size()));
  };
  if (is_floating(array.dtype)) {
    append(array.view().as<double>());
  } else {
    append(array.view().as<std::int64_t>());
  }
  return tokens;
}

}  // namespace

Dataset parse_npy_tokens(std::span<const std::byte> file, const std::string& origin) {
  const NpyArray array = parse_npy(file, origin);
  const std::size_t rank = array.shape.size();
  if (rank != 1 && rank != 2) {
    throw FormatError(
        message(origin, ": ", rank, " dimensions, expected [time] or [pieces, time] of token ids"),
        0);
  }
  const std::vector<std::int32_t> tokens = to_tokens(array, origin);
  if (tokens.empty()) throw FormatError(origin + ": no tokens", array.data_offset);
  const int largest = *std::max_element(tokens.begin(), tokens.end());

  Dataset dataset;
  dataset.tokenizer_name = "ids";
  dataset.vocabulary = std::max(largest + 1, kMidiPitches);
  dataset.tokenizer_settings = message("vocabulary=", dataset.vocabulary);
  const std::string name = std::filesystem::path(origin).filename().string();
  const auto length = static_cast<std::ptrdiff_t>(array.shape.back());
  for (auto begin = tokens.begin(); begin != tokens.end(); begin += length) {
    auto& pieces = dataset[Split::train];
    pieces.push_back({message(name, " ", pieces.size()), {{begin, begin + length}, {}}});
  }
  return dataset;
}

Dataset load_npy_tokens(const std::filesystem::path& path) {
  return parse_npy_tokens(read_file(path), path.string());
}

}  // namespace cadenza
