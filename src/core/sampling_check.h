// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/sampling.h"

namespace cadenza {

/// Throws ArgumentError unless `row` keeps the contract of sample_row().
void check_sample_row(const SampleRow& row);

}  // namespace cadenza
