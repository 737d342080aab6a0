// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/thread_pool.h"

#include <sched.h>

#include <chrono>

#include "cadenza/error.h"

namespace cadenza::cpu {
namespace {

// Loops follow each other closely in training, so a thread looks on for a moment before it sleeps.
// Not for long, nor yielding: on a busy machine a sleeper is woken at once when its turn comes,
// while one that yields waits for everybody else.
constexpr std::chrono::microseconds kPatience{50};

template <typename Ready>
void wait(const Ready& ready, std::mutex& mutex, std::condition_variable& changed) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  do {
    if (ready()) return;
  } while (std::chrono::steady_clock::now() < deadline);
  std::unique_lock lock(mutex);
  changed.wait(lock, ready);
}

}  // namespace

int available_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return std::max(1, CPU_COUNT(&mask));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

ThreadPool::ThreadPool(int threads) {
  check(threads >= 1, "threads is ", threads, ", expected at least 1");
  errors_.resize(static_cast<std::size_t>(threads));
  try {
    for (int part = 1; part < threads; ++part) workers_.emplace_back([this, part] { work(part); });
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  announced_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int parts, Function function, const void* context) {
  if (parts == 1) return function(context, 0);
  function_ = function;
  context_ = context;
  parts_ = parts;
  pending_ = size() - 1;
  {
    const std::lock_guard lock(mutex_);
    ++epoch_;
  }
  announced_.notify_all();
  run_part(0);
  wait([this] { return pending_ == 0; }, mutex_, finished_);
  std::exception_ptr first;
  for (std::exception_ptr& error : errors_) {
    if (first == nullptr) first = error;
    error = nullptr;
  }
  if (first != nullptr) std::rethrow_exception(first);
}

void ThreadPool::run_part(int part) {
  if (part >= parts_) return;
  try {
    function_(context_, part);
  } catch (...) {
    errors_[static_cast<std::size_t>(part)] = std::current_exception();
  }
}

void ThreadPool::work(int part) {
  for (std::uint64_t seen = 0;; ++seen) {
    wait([&] { return epoch_ != seen || stop_; }, mutex_, announced_);
    if (epoch_ == seen) return;
    run_part(part);
    if (--pending_ == 0) {
      const std::lock_guard lock(mutex_);
      finished_.notify_one();
    }
  }
}

}  // namespace cadenza::cpu
