// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"

namespace cadenza {

/// Negative log-likelihoods in nats. A "step" is a token or a frame (sum over its 88 keys).
struct Likelihood {
  double skip_first = 0.0;  ///< (a) mean over all steps but the first of each piece
  double all = 0.0;         ///< (b) mean over all steps, the first predicted from nothing
  double piece_mean = 0.0;  ///< (c) mean over pieces of the mean of their steps, first skipped
  std::int64_t steps = 0;   ///< steps counted in (b)
  std::int64_t pieces = 0;
  double reconstruction = 0.0;  ///< (b) without what codes cost (Model::code_cost)
  double divergence = 0.0;      ///< nats a piece, of codes from the prior; 0 without codes
};

/// Runs every piece of a split through the model from a zero state, `batch_size` at a time and
/// `sequence_length` steps a call; the result does not depend on either beyond rounding. Of pairs
/// the targets count, with their ends. ArgumentError if there is no piece or the data is not the
/// model's.
Likelihood evaluate(Model& model, const Dataset& data, Split split, int batch_size = 64,
                    int sequence_length = 256);

/// The mean over the tokens of each of `voices` voices, which lie side by side in a step. Otherwise
/// as above.
std::vector<double> evaluate_voices(Model& model, const Dataset& data, Split split, int voices,
                                    int batch_size = 64, int sequence_length = 256);

}  // namespace cadenza
