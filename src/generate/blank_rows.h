// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cadenza/error.h"
#include "cadenza/infill.h"
#include "models/infiller_pass.h"

namespace cadenza {

/// ArgumentError unless the blank is one of the model's: whole steps of its tokens, a mark a place.
void check_blank(const GridBlank& blank, const InfillerConfig& config);
/// Blanks side by side, their open places hidden.
GridRows hidden_rows(std::span<const GridBlank> blanks, std::int64_t voices);
/// Where a place stands in the ids of a grid.
inline std::size_t cell_of(const GridRows& grid, std::int64_t voices, const GridPlace& at) {
  return static_cast<std::size_t>((at.step * grid.rows() + at.row) * voices + at.voice);
}

}  // namespace cadenza
