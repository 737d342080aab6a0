// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/tensor.h"

namespace cadenza {

/// x [.., M] as [N, M].
inline TensorView flat_rows(const TensorView& x) {
  const std::int64_t width = x.shape[x.shape.rank() - 1];
  return x.reshaped({width == 0 ? 0 : x.count() / width, width});
}

}  // namespace cadenza
