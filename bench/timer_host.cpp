// SPDX-License-Identifier: Apache-2.0
// The timers of a build without CUDA.
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "bench/cpu_peak.h"
#include "bench/timer.h"

namespace cadenza::bench {
namespace {

/// By the time that processors spent on this process, all threads together.
class ProcessorTimer final : public Timer {
 public:
  void start() override { begin_ = now(); }
  double stop() override { return now() - begin_; }

 private:
  static double now() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  double begin_ = 0.0;
};

}  // namespace

std::unique_ptr<Timer> make_host_timer(Backend& backend) {
  const char* const clock = std::getenv("CADENZA_BENCH_CLOCK");
  if (clock != nullptr && std::string_view(clock) == "processor") {
    return std::make_unique<ProcessorTimer>();
  }
  return std::make_unique<WallTimer>(backend);
}

DevicePeak host_peak(const Backend& backend, Precision precision) {
  return backend.name() == "cpu" && precision == Precision::fp32 ? measure_cpu_peak()
                                                                 : DevicePeak();
}

}  // namespace cadenza::bench
