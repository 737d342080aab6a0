// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cadenza/sampling.h"
#include "cadenza/seq2seq.h"

namespace cadenza {

/// How targets are found.
struct TransformRequest {
  std::int64_t num_steps = 2048;  ///< tokens of a target at most
  /// 0: drawn as `sampling` says. Otherwise the likeliest of as many hypotheses side by side
  /// (beam search); 1: the likeliest token at every step.
  int beam = 0;
  SamplingParams sampling;
  std::uint64_t seed = 0;
  std::int64_t first_sequence = 0;  ///< number of the first target; noise depends on the number
  std::int64_t batch_size = 32;     ///< sources computed together
};

struct Transformed {
  Sequence sequence;  ///< without the end
  /// Sum over its tokens, and its end where it ends: under the model's distribution for a beam,
  /// under the filtered one for a draw.
  double log_probability = 0.0;
  bool ended = false;  ///< false: num_steps came first
};

/// A target for every source. A beam is never less likely than the greedy target, which is always
/// one of its hypotheses. ArgumentError for settings out of range, an empty source, or a token
/// outside the model's sources. `progress(done, total)` counts sources.
std::vector<Transformed> transform(
    Seq2Seq& model, const std::vector<Sequence>& sources, const TransformRequest& request,
    const std::function<void(std::int64_t, std::int64_t)>& progress = {});

}  // namespace cadenza
