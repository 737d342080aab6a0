// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "bench/timer.h"

namespace cadenza::bench {

/// What the cores of this process reach together at this moment: fused multiply-adds on registers,
/// with the instruction set that the cpu backend uses, each core on its own, by the clock that is
/// asked for (host_clock.h). Takes 20 ms.
DevicePeak measure_cpu_peak();

/// Bytes a second that the cores of this process read together of an array of so many (64 KiB a
/// core at least), each core a share of its own, again and again, to and fro, so that each turn
/// finds the end of the last in the caches: as fast as weights can be read that every step uses.
/// Takes 20 ms.
double measure_cpu_read(std::size_t bytes);

}  // namespace cadenza::bench
