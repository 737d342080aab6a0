// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace cadenza::cpu {

/// Work in phases, each of which needs all of the one before: threads take the parts of the current
/// phase as they come. None waits for another to arrive, only for parts that are being worked on,
/// so that a thread which the system has put aside holds up the others as little as can be.
class Relay {
 public:
  explicit Relay(std::int64_t phases) : phases_(phases) {}

  /// To be called by every thread that takes part; returns when all phases are done.
  /// `parts(phase)` is in [1, 2^16); run(phase, part) must not throw.
  template <typename Parts, typename Run>
  void work(const Parts& parts, const Run& run) {
    std::uint64_t state = state_.load(std::memory_order_acquire);
    for (;;) {
      const auto phase = static_cast<std::int64_t>(state / kPhase);
      if (phase == phases_) return;
      const auto part = static_cast<std::int64_t>(state % kPhase);
      const std::int64_t count = parts(phase);
      if (part == count) {
        state = wait_for_change(state);
        continue;
      }
      if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
      run(phase, part);
      if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
        done_.store(0, std::memory_order_relaxed);
        state_.store(static_cast<std::uint64_t>(phase + 1) * kPhase, std::memory_order_release);
        state_.notify_all();
      }
      state = state_.load(std::memory_order_acquire);
    }
  }

 private:
  static constexpr std::uint64_t kPhase = std::uint64_t{1} << 16;
  /// A phase takes some microseconds; who waits for longer sleeps, which frees a core for the one
  /// that is waited for.
  static constexpr std::chrono::microseconds kPatience{20};

  std::uint64_t wait_for_change(std::uint64_t old) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    do {
      for (int look = 0; look < 32; ++look) {
        const std::uint64_t now = state_.load(std::memory_order_acquire);
        if (now != old) return now;
      }
    } while (std::chrono::steady_clock::now() < deadline);
    state_.wait(old, std::memory_order_acquire);
    return state_.load(std::memory_order_acquire);
  }

  const std::int64_t phases_;
  alignas(64) std::atomic<std::uint64_t> state_{0};  // current phase * kPhase + parts taken
  alignas(64) std::atomic<std::int64_t> done_{0};    // parts of it that are finished
};

}  // namespace cadenza::cpu
