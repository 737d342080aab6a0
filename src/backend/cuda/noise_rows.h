// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/backend.h"
#include "kernels/sample.h"

namespace cadenza::cuda {

inline kernels::NoiseRows noise_rows(const DrawRows& rows) {
  return {.seed = rows.seed,
          .params = static_cast<const RowSampling*>(rows.params.data),
          .sequences = rows.sequences.as<std::int64_t>(),
          .steps = rows.steps.as<std::int32_t>()};
}

}  // namespace cadenza::cuda
