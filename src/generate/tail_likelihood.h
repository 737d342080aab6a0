// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cadenza/language_model.h"

namespace cadenza {

/// Tokens [begin, end) of a sequence, given those before.
struct Tail {
  Sequence sequence;
  std::size_t begin = 0;
};

/// The log probability of each tail under the model that is told `conditions`, a value for each of
/// its own, `batch_size` side by side.
std::vector<double> tail_likelihoods(LanguageModel& model, std::span<const Tail> tails,
                                     std::span<const ConditionValue> conditions,
                                     std::int64_t batch_size);

}  // namespace cadenza
