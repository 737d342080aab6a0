// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace cadenza::cpu {

/// Work in phases, each of which needs all of the one before. A thread takes the part of its own
/// number, whose memory its caches hold from phases before, then parts that nobody has begun. None
/// waits for another to arrive, only for parts that are being worked on, so that a thread which the
/// system has put aside holds up the others as little as can be.
class Relay {
 public:
  Relay(std::int64_t phases, std::int64_t most_parts)
      : phases_(phases), begun_(static_cast<std::size_t>(most_parts)) {}

  /// To be called by every thread that takes part, with a number of its own from 0 on; returns when
  /// all phases are done. `parts(phase)` is in [1, most_parts]; run(phase, part) must not throw.
  template <typename Parts, typename Run>
  void work(std::int64_t thread, const Parts& parts, const Run& run) {
    for (std::int64_t phase = phase_.load(std::memory_order_acquire); phase != phases_;
         phase = wait_for_change(phase)) {
      const std::int64_t count = parts(phase);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t part = (thread + i) % count;
        if (!begin(part, phase)) continue;
        run(phase, part);
        if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 != count) continue;
        done_.store(0, std::memory_order_relaxed);
        phase_.store(phase + 1, std::memory_order_release);
        phase_.notify_all();
      }
    }
  }

 private:
  /// A phase takes some microseconds; who waits for longer sleeps, which frees a core for the one
  /// that is waited for.
  static constexpr std::chrono::microseconds kPatience{20};

  /// Whether the part is the caller's to run. A caller that is late finds it begun in its phase, or
  /// in one after it.
  bool begin(std::int64_t part, std::int64_t phase) {
    std::atomic<std::int64_t>& begun = begun_[static_cast<std::size_t>(part)].phases;
    std::int64_t before = begun.load(std::memory_order_relaxed);
    return before <= phase &&
           begun.compare_exchange_strong(before, phase + 1, std::memory_order_relaxed);
  }

  std::int64_t wait_for_change(std::int64_t old) {
    if (const std::int64_t now = phase_.load(std::memory_order_acquire); now != old) return now;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    do {
      for (int look = 0; look < 32; ++look) {
        const std::int64_t now = phase_.load(std::memory_order_acquire);
        if (now != old) return now;
      }
    } while (std::chrono::steady_clock::now() < deadline);
    phase_.wait(old, std::memory_order_acquire);
    return phase_.load(std::memory_order_acquire);
  }

  struct alignas(64) Begun {
    std::atomic<std::int64_t> phases{0};  // one more than the last phase in which it was begun
  };

  const std::int64_t phases_;
  std::vector<Begun> begun_;                        // by part
  alignas(64) std::atomic<std::int64_t> phase_{0};  // the one that is worked on
  alignas(64) std::atomic<std::int64_t> done_{0};   // parts of it that are finished
};

}  // namespace cadenza::cpu
