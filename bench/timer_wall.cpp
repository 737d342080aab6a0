// SPDX-License-Identifier: Apache-2.0
// The timer of a build without CUDA.
#include "bench/cpu_peak.h"
#include "bench/timer.h"

namespace cadenza::bench {

std::unique_ptr<Timer> make_timer(Backend& backend) { return std::make_unique<WallTimer>(backend); }

DevicePeak device_peak(const Backend& backend, Precision precision) {
  return backend.name() == "cpu" && precision == Precision::fp32 ? measure_cpu_peak()
                                                                 : DevicePeak();
}

}  // namespace cadenza::bench
