// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cadenza::cpu {

/// Number of cores this process may run on (its affinity mask, not the machine).
int available_cores();

/// The grain of a loop whose items cost `work` multiply-adds each (reckon 8 for a number that is
/// only moved, 64 for an exponential): a thread is worth waking for some 5 us. A multiple of
/// `unit`.
constexpr std::int64_t worth_a_thread(std::int64_t work, std::int64_t unit = 1) {
  constexpr std::int64_t kWork = std::int64_t{1} << 18;
  const std::int64_t items = kWork / std::max<std::int64_t>(work, 1) + 1;
  return (items + unit - 1) / unit * unit;
}

/// A fixed set of threads, the caller included, that share loops. The split of a loop depends on
/// its size and the number of threads alone, so results that depend on the split are repeatable.
class ThreadPool {
 public:
  /// `threads` >= 1 counts the caller; the others are started here and joined by the destructor.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(begin, end, part) for disjoint ranges that cover [0, count), at most one a thread;
  /// ranges start at multiples of `grain`. Returns when all are done and rethrows the exception of
  /// the lowest part that failed. Not reentrant: `body` must not use the pool.
  template <typename Body>
  void parallel_for(std::int64_t count, std::int64_t grain, const Body& body) {
    if (count <= 0) return;
    const std::int64_t blocks = (count + grain - 1) / grain;
    const Split<Body> split{body, count, grain, blocks, std::min<std::int64_t>(size(), blocks)};
    run(static_cast<int>(split.parts), &Split<Body>::call, &split);
  }

 private:
  using Function = void (*)(const void* context, int part);

  template <typename Body>
  struct Split {
    const Body& body;
    std::int64_t count, grain, blocks, parts;

    static void call(const void* context, int part) {
      const auto& split = *static_cast<const Split*>(context);
      const std::int64_t begin = split.blocks * part / split.parts * split.grain;
      const std::int64_t end = split.blocks * (part + 1) / split.parts * split.grain;
      split.body(begin, std::min(end, split.count), part);
    }
  };

  void run(int parts, Function function, const void* context);
  void run_part(int part);
  void work(int part);
  void stop();

  // The job, written by the caller before `epoch_` announces it.
  Function function_ = nullptr;
  const void* context_ = nullptr;
  int parts_ = 0;
  std::vector<std::exception_ptr> errors_;  // by part

  std::atomic<std::uint64_t> epoch_{0};  // jobs announced
  std::atomic<int> pending_{0};          // workers still busy with the current job
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable announced_;
  std::condition_variable finished_;
  std::vector<std::thread> workers_;
};

}  // namespace cadenza::cpu
