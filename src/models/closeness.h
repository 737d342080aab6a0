// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cadenza/parameters.h"
#include "cadenza/tape.h"

namespace cadenza {

/// Numbers that one kernel compares two pieces by.
inline constexpr std::int64_t kKernelWidth = 5;

/// Adds `closeness.weight` [kernels * 5, width].
void add_closeness_specs(std::vector<ParameterSpec>& specs, std::int64_t width,
                         std::int64_t kernels);
/// How close each piece is to the others beside it, by which a discriminator notices a generator
/// that always makes the same (minibatch discrimination, Salimans et al. 2016): pieces [B, W] ->
/// [B, kernels]. A kernel reads five numbers of a piece, linear in it; two pieces are as close as
/// 2 sigmoid(-d), theirs is exp(-d), with the sum d of the absolute differences of these numbers;
/// the output is the mean over all pieces, itself included. Composed of what backends have: what
/// adds, subtracts and sums is a product with a matrix that does not learn.
Variable& closeness(Tape& tape, Parameters& parameters, Variable& pieces, std::int64_t kernels);

}  // namespace cadenza
