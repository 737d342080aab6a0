// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <ctime>
#include <string_view>

namespace cadenza::bench {

/// Whether CADENZA_BENCH_CLOCK=processor asks for what processors spent in place of the time on the
/// wall.
inline bool counts_processor_time() {
  const char* const clock = std::getenv("CADENZA_BENCH_CLOCK");
  return clock != nullptr && std::string_view(clock) == "processor";
}

/// Seconds that processors have spent on this process, all threads together.
inline double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace cadenza::bench
