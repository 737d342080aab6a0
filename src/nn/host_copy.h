// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cadenza/backend.h"
#include "cadenza/tensor.h"

namespace cadenza {

/// A real tensor as doubles on the host.
std::vector<double> download_real(Backend& backend, const TensorView& from);
/// Doubles to a real tensor of the same count, rounded to its dtype.
void upload_real(Backend& backend, const std::vector<double>& from, const TensorView& to);

}  // namespace cadenza
