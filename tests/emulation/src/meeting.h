// SPDX-License-Identifier: Apache-2.0
// How lanes of a warp meet: arrive(), leave values in the meeting, meet(), read, end_reading().
#pragma once

#include "scheduler.h"

namespace cadenza::emulation {

/// Finds or begins the meeting of the running lane's call and counts its arrival.
Meeting& arrive(WarpFunction function, std::uint32_t mask, Location at);
/// Whether the running lane is the last to arrive.
bool is_complete(const Meeting& meeting);
/// Returns when all lanes of the mask that live have arrived.
void meet(Meeting& meeting, Location at);
void end_reading(Meeting& meeting);

}  // namespace cadenza::emulation
