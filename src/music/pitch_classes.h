// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace cadenza {

inline constexpr std::size_t kPitchClasses = 12;

}  // namespace cadenza
