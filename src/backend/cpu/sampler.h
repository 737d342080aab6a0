// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "cadenza/sampling.h"

namespace cadenza::cpu {

/// results[i] = sample_row(rows[i]), bit for bit, vectorised and without sorting; on the calling
/// thread. Rows may differ in everything. ArgumentError as sample_row(), before any row is drawn.
void sample_rows(std::span<const SampleRow> rows, std::span<SampleResult> results);

/// The instruction set that sample_rows() uses here, for people.
const char* sampler_target();

}  // namespace cadenza::cpu
