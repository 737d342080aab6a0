// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cadenza {

/// Largest vocabulary a draw accepts: then the integer mass of a row stays below 2^62.
inline constexpr std::size_t kMaxSampleVocabulary = std::size_t{1} << 22;

/// How one sequence draws its tokens, as the user says it. Filters are applied in the order of the
/// fields; see docs/sampling.md for the exact definition.
struct SamplingParams {
  double temperature = 1.0;         ///< >= 0; below 2^-64: greedy (largest logit, lowest id)
  double repetition_penalty = 1.0;  ///< > 0; multiplicative on tokens in the window; 1: off
  double frequency_penalty = 0.0;   ///< subtracted once per occurrence in the window
  double presence_penalty = 0.0;    ///< subtracted once if the token occurs in the window
  int top_k = 0;                    ///< keep exactly k; <= 0: off
  double top_p = 1.0;               ///< > 0; >= 1: off
  double min_p = 0.0;               ///< in [0, 1]; 0: off
  double typical_p = 1.0;           ///< > 0; >= 1: off

  friend bool operator==(const SamplingParams&, const SamplingParams&) = default;
};

/// The same rounded once on the host to what the draw computes with; plain data, one per row.
struct RowSampling {
  float inverse_temperature = 1.0F;  ///< +inf where the temperature counts as 0
  float repetition_penalty = 1.0F;
  float frequency_penalty = 0.0F;
  float presence_penalty = 0.0F;
  float log_min_p = 0.0F;       ///< ln(min_p); used only when has_min_p
  std::uint64_t top_p = 0;      ///< ceil(p * 2^32); 0: off
  std::uint64_t typical_p = 0;  ///< ceil(p * 2^32); 0: off
  std::int32_t top_k = 0;       ///< 0: off
  std::uint8_t greedy = 0;      ///< temperature 0 or top_k 1; no other filter applies
  std::uint8_t has_min_p = 0;

  friend bool operator==(const RowSampling&, const RowSampling&) = default;
};

/// Checks the ranges and rounds. ArgumentError names the parameter, its range and the value.
RowSampling pack(const SamplingParams& params);

/// Bits of a draw's status word; 0 is a draw without incident.
enum SampleStatus : std::uint32_t {
  kSampleOk = 0,
  kSampleAllMasked = 1,  ///< no token was allowed: the fallback id was returned
  kSampleNan = 2,        ///< an allowed token's logit or bias was NaN and counted as masked
  kSampleInfinite = 4,   ///< an allowed token reached +inf: drawn among those alone
};

/// Everything one row's draw reads.
struct SampleRow {
  std::span<const float> logits;     ///< [V]
  std::span<const float> bias = {};  ///< [V] or empty
  std::span<const std::uint32_t> allowed =
      {};  ///< bit i & 31 of word i >> 5 set: token i allowed = {}; empty: all
  std::span<const std::int32_t> window =
      {};  ///< recent tokens the penalties look at; ids outside [0, V) ignored
  RowSampling params;
  std::uint64_t seed = 0;
  std::uint64_t sequence = 0;
  std::uint32_t step = 0;
  std::int32_t fallback = 0;  ///< in [0, V); returned if nothing is allowed
  bool scores = true;         ///< false: only token and status; the rest stays 0
};

struct SampleResult {
  std::int32_t token = 0;
  float log_probability = 0.0F;      ///< of the token under softmax of the processed, filtered row
  float raw_log_probability = 0.0F;  ///< under softmax of the logits as given, no mask, T = 1
  float entropy = 0.0F;              ///< of the processed, filtered distribution, in nats
  std::uint32_t status = kSampleOk;
};

/// The draw, exactly as docs/sampling.md defines it, written plainly (it sorts). The oracle for
/// every other sampler. ArgumentError unless 0 < V <= kMaxSampleVocabulary, the spans fit V and the
/// fallback is a token.
SampleResult sample_row(const SampleRow& row);

/// Whether a key with this logit is on, at the address (seed, sequence, step, key): the two-way
/// form of the same keyed draw. `inverse_temperature` as in RowSampling; +inf asks logit > 0. NaN
/// is off. `key` is below 2^26.
bool sample_key(float logit, float inverse_temperature, std::uint64_t seed, std::uint64_t sequence,
                std::uint32_t step, std::uint32_t key);

}  // namespace cadenza
