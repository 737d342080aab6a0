// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "cadenza/gan.h"

// What the players of a Gan learn from.

namespace cadenza {

/// A number for every step of several pieces, [pieces][steps].
using StepValues = std::vector<std::vector<double>>;

/// Pieces as a language model reads them, from a state of zero, each step with a weight of its own;
/// rows beyond the pieces are empty. The mean of the loss is over their steps.
Batch weighted_pieces(std::span<const Sequence> pieces, const StepValues& weights,
                      std::int64_t rows, int width);
/// Pieces as a discriminator reads them: label 1 for real ones, 0 for drawn ones, and each piece
/// weighs as much as any other. The mean of the loss is over the pieces.
Batch labelled_pieces(std::span<const Sequence> real, std::span<const Sequence> drawn, int width);

/// What each token is worth, less the mean of what those at the same place of all pieces are.
/// `log_real` has the logarithm of the probability of being real, of each piece once or of all its
/// steps; a return is then the mean from a step on, each weighing `discount` times the one before.
StepValues advantages(const StepValues& log_real, std::span<const Sequence> pieces,
                      double discount);

}  // namespace cadenza
