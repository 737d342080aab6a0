// SPDX-License-Identifier: Apache-2.0
#pragma once

// The steps of the draw (docs/sampling.md) that every backend takes from here, so that they cannot
// drift apart: plain functions of numbers, for host and device.

#include <cstdint>

#include "cadenza/exact_math.h"
#include "cadenza/random.h"
#include "cadenza/sampling.h"

namespace cadenza::draw {

/// The largest token weight, e^0 in units of 2^-40.
inline constexpr int kWeightBits = 40;
/// Words below this are extended by 32 further bits.
inline constexpr std::uint32_t kTailWords = 1U << 10;
/// Below this distance from the maximum a weight is 0 for certain.
inline constexpr float kLowest = -28.0F;
inline constexpr float kBelowOne = 0x1.fffffep-1F;

/// Step 1, penalties: `count` > 0 occurrences of the token in the window.
CADENZA_HOST_DEVICE inline float penalize(float y, std::uint32_t count, const RowSampling& params) {
  y = y > 0.0F ? exact_div(y, params.repetition_penalty) : exact_mul(y, params.repetition_penalty);
  y = exact_add(y, -exact_mul(static_cast<float>(count), params.frequency_penalty));
  return exact_add(y, -params.presence_penalty);
}

/// Step 1, temperature. Infinities stay what they are, even at an infinite temperature.
CADENZA_HOST_DEVICE inline float temper(float y, float inverse_temperature) {
  const bool finite = (float_bits(y) & 0x7F800000U) != 0x7F800000U;
  return finite ? exact_mul(y, inverse_temperature) : y;
}

/// Step 3: the middle of cell `word` of 2^32, below 1.
CADENZA_HOST_DEVICE inline float unit(std::uint32_t word) {
  const float v = exact_mul(exact_add(static_cast<float>(word), 0.5F), 0x1p-32F);
  return v < 1.0F ? v : kBelowOne;
}

/// Step 3: the middle of cell word * 2^32 + tail of 2^64; word < kTailWords.
CADENZA_HOST_DEVICE inline float unit_tail(std::uint32_t word, std::uint32_t tail) {
  const std::uint64_t cell = std::uint64_t{word} << 32 | tail;
  return exact_mul(exact_add(static_cast<float>(cell), 0.5F), 0x1p-64F);
}

CADENZA_HOST_DEVICE inline float gumbel(float v) { return -exact_log(-exact_log1p(-v)); }

/// Which noise a row reads: all its tokens share these.
struct NoiseKey {
  std::uint64_t seed;
  std::uint64_t sequence;
  std::uint32_t step;
};

/// Step 3: the Gumbel noise of one token.
CADENZA_HOST_DEVICE inline float token_noise(const NoiseKey& key, std::uint32_t token) {
  const std::uint32_t word =
      random_bits(key.seed, {RandomPurpose::sample, key.sequence, key.step, token});
  if (word >= kTailWords) return gumbel(unit(word));
  const std::uint32_t tail =
      random_bits(key.seed, {RandomPurpose::sample_tail, key.sequence, key.step, token});
  return gumbel(unit_tail(word, tail));
}

/// The word of one key's noise.
CADENZA_HOST_DEVICE inline std::uint32_t key_word(const NoiseKey& noise, std::uint32_t key) {
  return random_bits(noise.seed, {RandomPurpose::keys, noise.sequence, noise.step, key});
}

/// Logistic noise of one key: the word's top bit is the sign, the rest is folded so that both tails
/// lie at v -> 0, where floats are dense.
CADENZA_HOST_DEVICE inline float key_noise(const NoiseKey& noise, std::uint32_t key,
                                           std::uint32_t word) {
  const bool negative = (word >> 31) != 0;
  const std::uint32_t folded = negative ? ~word : word;
  const float v =
      folded >= kTailWords
          ? unit(folded)
          : unit_tail(folded, random_bits(noise.seed, {RandomPurpose::keys_tail, noise.sequence,
                                                       noise.step, key}));
  const float size = exact_add(exact_log1p(-v), -exact_log(v));
  return negative ? -size : size;
}

CADENZA_HOST_DEVICE inline float key_noise(const NoiseKey& noise, std::uint32_t key) {
  return key_noise(noise, key, key_word(noise, key));
}

/// Whether a key is on. A temperature of 0 reads no noise.
CADENZA_HOST_DEVICE inline bool key_is_on(float logit, float inverse_temperature,
                                          const NoiseKey& noise, std::uint32_t key,
                                          std::uint32_t word) {
  if (inverse_temperature == ExactMath::kInfinity) return logit > 0.0F;
  return exact_add(temper(logit, inverse_temperature), key_noise(noise, key, word)) > 0.0F;
}

/// Step 5: floor(2^40 e^d) for d <= 0, on the project's own e^d.
CADENZA_HOST_DEVICE inline std::uint64_t weight(float d) {
  const ExactExp e = exact_exp_parts(d > kLowest ? d : kLowest);
  const std::uint32_t bits = float_bits(e.significand);
  const std::uint64_t significand = (bits & 0x007FFFFFU) | 0x00800000U;  // times 2^-23
  const std::int32_t exponent = e.exponent + static_cast<std::int32_t>(bits >> 23) - 127;
  return significand << (kWeightBits - 23) >> -exponent;
}

/// Of a row whose weights sum to `total`: a token stays under a mass filter iff the mass ranked
/// strictly above it is less than this. ceil(share * total / 2^32); share <= 2^32, total < 2^62.
CADENZA_HOST_DEVICE inline std::uint64_t mass_limit(std::uint64_t share, std::uint64_t total) {
  const std::uint64_t low = share * (total & 0xFFFFFFFFU);
  return share * (total >> 32) + (low >> 32) + ((low & 0xFFFFFFFFU) != 0 ? 1 : 0);
}

/// floor(w * floor(-d * 2^24) / 2^24): a token's part of the sum behind the entropy. Below 2^39.
CADENZA_HOST_DEVICE inline std::uint64_t surprise(std::uint64_t w, float d) {
  if (w == 0) return 0;
  return (w * static_cast<std::uint32_t>(exact_mul(-d, 0x1p24F))) >> 24;  // -d < 28 where w > 0
}

/// log(total / 2^40)
CADENZA_HOST_DEVICE inline float log_mass(std::uint64_t total) {
  return exact_log(exact_mul(static_cast<float>(total), 0x1p-40F));
}

/// Mean of -d under the weights.
CADENZA_HOST_DEVICE inline float mean_surprise(std::uint64_t surprise_sum, std::uint64_t total) {
  return exact_div(static_cast<float>(surprise_sum), static_cast<float>(total));
}

CADENZA_HOST_DEVICE inline float log_probability(float d, std::uint64_t total) {
  const float value = exact_add(d, -log_mass(total));
  return value < 0.0F ? value : 0.0F;
}

CADENZA_HOST_DEVICE inline float entropy(std::uint64_t surprise_sum, std::uint64_t total) {
  const float value = exact_add(log_mass(total), mean_surprise(surprise_sum, total));
  return value > 0.0F ? value : 0.0F;
}

/// Typical: distance of a token's surprisal from the entropy; `mean` from mean_surprise().
CADENZA_HOST_DEVICE inline float atypicality(float d, float mean) {
  const float difference = exact_add(d, mean);
  return difference < 0.0F ? -difference : difference;
}

}  // namespace cadenza::draw
