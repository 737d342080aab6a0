// SPDX-License-Identifier: Apache-2.0
// The timers of a build without CUDA.
#include "bench/cpu_peak.h"
#include "bench/host_clock.h"
#include "bench/timer.h"

namespace cadenza::bench {
namespace {

/// By the time that processors spent on this process, all threads together.
class ProcessorTimer final : public Timer {
 public:
  void start() override { begin_ = host_seconds(); }
  double stop() override { return host_seconds() - begin_; }

 private:
  double begin_ = 0.0;
};

}  // namespace

std::unique_ptr<Timer> make_host_timer(Backend& backend) {
  if (counts_processor_time()) return std::make_unique<ProcessorTimer>();
  return std::make_unique<WallTimer>(backend);
}

DevicePeak host_peak(const Backend& backend, Precision precision) {
  return backend.name() == "cpu" && precision == Precision::fp32 ? measure_cpu_peak()
                                                                 : DevicePeak();
}

}  // namespace cadenza::bench
