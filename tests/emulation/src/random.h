// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cadenza::emulation {

/// For orders chosen by the seed; begins anew with each launch.
std::uint64_t random_number();
void seed_random(std::uint64_t seed);

}  // namespace cadenza::emulation
