// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "cadenza/backend.h"

namespace cadenza::bench {

/// Measures what a backend is asked to do between start() and stop().
class Timer {
 public:
  Timer() = default;
  virtual ~Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual void start() = 0;
  /// Waits for the work; seconds since start().
  virtual double stop() = 0;
};

/// By the clock on the wall, from an idle backend to an idle backend.
class WallTimer final : public Timer {
 public:
  using Clock = std::chrono::steady_clock;
  explicit WallTimer(Backend& backend) : backend_(backend) {}
  void start() override {
    backend_.synchronize();
    begin_ = Clock::now();
  }
  double stop() override {
    backend_.synchronize();
    return std::chrono::duration<double>(Clock::now() - begin_).count();
  }

 private:
  Backend& backend_;
  Clock::time_point begin_;
};

/// What the device can do at most, by its clocks and units, or what was measured of a CPU
/// (cpu_peak.h); 0 where that is not known.
struct DevicePeak {
  double bytes_per_second = 0.0;
  double flops_per_second = 0.0;  ///< of products, in the precision asked for
  std::size_t cache_bytes = std::size_t{32} << 20;
};

std::unique_ptr<Timer> make_timer(Backend& backend);
DevicePeak device_peak(const Backend& backend, Precision precision);
/// The same of backends that compute on the host. CADENZA_BENCH_CLOCK=processor counts what
/// processors spent in place of the time on the wall.
std::unique_ptr<Timer> make_host_timer(Backend& backend);
DevicePeak host_peak(const Backend& backend, Precision precision);

}  // namespace cadenza::bench
