// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench/timer.h"

namespace cadenza::bench {

/// What the cores of this process reach together at this moment: fused multiply-adds on registers,
/// with the instruction set that the cpu backend uses, each core on its own. Takes 20 ms.
DevicePeak measure_cpu_peak();

}  // namespace cadenza::bench
