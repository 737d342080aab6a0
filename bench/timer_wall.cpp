// SPDX-License-Identifier: Apache-2.0
// The timer of a build without CUDA.
#include "bench/timer.h"

namespace cadenza::bench {

std::unique_ptr<Timer> make_timer(Backend& backend) { return std::make_unique<WallTimer>(backend); }

DevicePeak device_peak(const Backend&, Precision) { return {}; }

}  // namespace cadenza::bench
