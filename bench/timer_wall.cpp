// SPDX-License-Identifier: Apache-2.0
// The timer of a build without CUDA.
#include "bench/timer.h"

namespace cadenza::bench {

std::unique_ptr<Timer> make_timer(Backend& backend) { return make_host_timer(backend); }

DevicePeak device_peak(const Backend& backend, Precision precision) {
  return host_peak(backend, precision);
}

}  // namespace cadenza::bench
