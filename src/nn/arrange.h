// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cadenza/tape.h"

// Differentiable operations that compute nothing: they only move values to other places.

namespace cadenza {

/// The same elements under another shape of equal count.
Variable& reshape(Tape& tape, Variable& x, const Shape& shape);
/// Elements [begin, begin + count) along dimension 0.
Variable& slice(Tape& tape, Variable& x, std::int64_t begin, std::int64_t count);
/// Parts that differ in dimension 0 alone, one after the other.
Variable& stack(Tape& tape, const std::vector<Variable*>& parts);
/// Parts that differ in their last dimension alone, side by side.
Variable& join_columns(Tape& tape, const std::vector<Variable*>& parts);
/// x read as rows of W, the last extent of `shape`: those picked by ids i32 [N], -1 for a row of
/// zeros, as an array of `shape`.
Variable& gather_rows(Tape& tape, Variable& x, const TensorView& ids, const Shape& shape);

}  // namespace cadenza
