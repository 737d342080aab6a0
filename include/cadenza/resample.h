// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cadenza/language_model.h"
#include "cadenza/sampling.h"
#include "cadenza/score.h"

namespace cadenza {

struct ResampleRequest {
  std::int64_t begin = 0;  ///< ticks [begin, end) of the music are written anew
  std::int64_t end = 0;
  std::int64_t num_outputs = 1;
  std::int64_t candidates = 16;  ///< versions drawn for each output, of which one is chosen
  std::int64_t horizon = 256;    ///< tokens behind the region that choose it
  std::vector<ConditionValue> conditions;  ///< as in GenerationRequest
  SamplingParams sampling;
  std::uint64_t seed = 0;
  std::int64_t first_sequence = 0;  ///< number of the first output; noise depends on the number
  std::int64_t batch_size = 64;     ///< candidates computed together
};

struct Resampled {
  Score score;
  /// Candidates that reached the end of the region; if there are any the choice is among them.
  std::int64_t usable = 0;
  double effective = 0.0;  ///< how many of them counted: 1 / sum of the squares of their shares
};

/// Fills in a region with a model that reads from left to right, by sampling-importance-resampling
/// (Rubin 1987): candidates continue what precedes the region, and one is drawn with a probability
/// proportional to the likelihood that the model gives what follows after it. The notes of `score`
/// that do not lie wholly inside the region come back as they are, new ones end in it; those of a
/// key that is still held are left out. Output k of a seed is the same in whatever batch.
/// ArgumentError for settings out of range, an empty region or one outside the music.
/// `progress(done, total)` counts steps of candidates.
std::vector<Resampled> resample(
    LanguageModel& model, const Tokenizer& tokenizer, const Score& score,
    const ResampleRequest& request,
    const std::function<void(std::int64_t, std::int64_t)>& progress = {});

}  // namespace cadenza
