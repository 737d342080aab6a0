// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/draw.h"
#include "sampling/test_row.h"

// Samplers and noise broken on purpose, each in a way that a real sampler has been: every
// statistical test must fail on at least one of them, or it proves nothing.
namespace cadenza::test {

inline std::uint32_t sample_word(const SampleRow& row, std::uint64_t sequence,
                                 std::uint32_t token) {
  return random_bits(row.seed, {RandomPurpose::sample, sequence, row.step, token});
}

/// A batch sampler without filters that takes the largest logit + noise(row, slot, token).
template <typename Noise>
Sampler argmax_sampler(Noise noise) {
  return [noise](std::span<const SampleRow> rows, std::span<SampleResult> results) {
    for (std::size_t slot = 0; slot < rows.size(); ++slot) {
      float best = -std::numeric_limits<float>::infinity();
      for (std::size_t i = 0; i < rows[slot].logits.size(); ++i) {
        const SampleRow& row = rows[slot];
        if (!row.allowed.empty() && (row.allowed[i >> 5] >> (i & 31) & 1U) == 0) continue;
        const float score = row.logits[i] + noise(row, slot, static_cast<std::uint32_t>(i));
        if (score > best) {
          best = score;
          results[slot].token = static_cast<std::int32_t>(i);
        }
      }
    }
  };
}

/// All sequences of a batch read one stream.
inline Sampler shared_stream() {
  return argmax_sampler([](const SampleRow& row, std::size_t, std::uint32_t token) {
    return draw::gumbel(draw::unit(sample_word(row, 0, token)));
  });
}

/// Noise follows the batch slot instead of the sequence.
inline Sampler keyed_by_slot() {
  return argmax_sampler([](const SampleRow& row, std::size_t slot, std::uint32_t token) {
    return draw::gumbel(draw::unit(sample_word(row, slot, token)));
  });
}

/// Noise follows the token's rank among the allowed instead of its id.
inline Sampler keyed_by_rank() {
  return argmax_sampler([](const SampleRow& row, std::size_t, std::uint32_t token) {
    std::uint32_t rank = 0;
    for (std::size_t i = 0; i < row.logits.size(); ++i) {
      const bool allowed = row.allowed.empty() || (row.allowed[i >> 5] >> (i & 31) & 1U) != 0;
      if (allowed && row.logits[i] > row.logits[token]) ++rank;
    }
    return draw::gumbel(draw::unit(sample_word(row, row.sequence, rank)));
  });
}

/// argmax_sampler() on uniforms of 24 bits, for long rows in which only words up to `tail` can beat
/// token 0 with its head start.
template <typename Unit24>
Sampler sampler_24_bit(Unit24 unit24) {
  constexpr std::uint32_t kTail = 1U << 16;
  return [unit24](std::span<const SampleRow> rows, std::span<SampleResult> results) {
    for (std::size_t slot = 0; slot < rows.size(); ++slot) {
      const SampleRow& row = rows[slot];
      float best = row.logits[0] + draw::gumbel(draw::unit(sample_word(row, row.sequence, 0)));
      results[slot].token = 0;
      for (std::uint32_t token = 0; token < row.logits.size(); token += 4) {
        const PhiloxCounter words = philox(
            random_counter({RandomPurpose::sample, row.sequence, row.step, token}), row.seed);
        for (std::uint32_t k = token == 0 ? 1 : 0; k < 4; ++k) {
          if (words.word[k] >= kTail) continue;
          const float v = unit24(words.word[k] >> 8);
          const float score = row.logits[token + k] - exact_log(-exact_log1p(-v));
          if (score <= best) continue;
          best = score;
          results[slot].token = static_cast<std::int32_t>(token + k);
        }
      }
    }
  };
}

/// Uniforms k * 2^-24, 1 to 2^24, as cuRAND makes them: the tail ends at 24 ln 2.
inline Sampler tail_of_24_bits() {
  return sampler_24_bit([](std::uint32_t k) { return static_cast<float>(k + 1) * 0x1p-24F; });
}

/// Uniforms k * 2^-24 from 0: once in 2^24 the noise is infinite and wins whatever the logits say.
/// (With the uniform on the other side of the logarithm this is the bug of u = 1.)
inline Sampler infinite_noise() {
  return sampler_24_bit([](std::uint32_t k) { return static_cast<float>(k) * 0x1p-24F; });
}

}  // namespace cadenza::test
