// SPDX-License-Identifier: Apache-2.0
#include "music/runs.h"

namespace cadenza {

std::vector<std::uint64_t> words_of(const Sequence& sequence) {
  std::vector<std::uint64_t> words;
  words.reserve(sequence.size());
  for (const std::int32_t token : sequence.tokens)
    words.push_back(static_cast<std::uint32_t>(token));
  for (const Frame& frame : sequence.frames) words.push_back(std::hash<Frame>()(frame));
  return words;
}

// A polynomial modulo 2^64 over scrambled words.
std::vector<std::uint64_t> run_hashes(const std::vector<std::uint64_t>& words, std::size_t length) {
  constexpr std::uint64_t kBase = 0x9e3779b97f4a7c15ULL | 1U;
  const auto scramble = [](std::uint64_t word) {
    word = (word ^ (word >> 31)) * 0xd6e8feb86659fd93ULL;
    return (word ^ (word >> 32)) | 1U;
  };
  std::vector<std::uint64_t> hashes;
  if (words.size() < length) return hashes;
  std::uint64_t leaving = 1;
  for (std::size_t i = 0; i < length; ++i) leaving *= kBase;
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    hash = hash * kBase + scramble(words[i]);
    if (i >= length) hash -= leaving * scramble(words[i - length]);
    if (i + 1 >= length) hashes.push_back(hash);
  }
  return hashes;
}

}  // namespace cadenza
