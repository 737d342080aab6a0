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

inline double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds of the clock that is asked for: what processors spent on this process, all threads
/// together, or the time on the wall.
inline double host_seconds() {
  return seconds_of(counts_processor_time() ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC);
}

/// The same of the calling thread alone.
inline double thread_seconds() {
  return seconds_of(counts_processor_time() ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC);
}

}  // namespace cadenza::bench
