// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/error.h"

namespace cadenza {

/// ArgumentError unless the setting `name` of a model is in [low, high].
inline void check_range(const char* name, double value, double low, double high) {
  check(value >= low && value <= high, "model: ", name, " is ", value, ", expected ", low, " to ",
        high);
}
/// The same for [0, 1).
inline void check_share(const char* name, double value) {
  check(value >= 0 && value < 1, "model: ", name, " is ", value, ", expected [0, 1)");
}

}  // namespace cadenza
