// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cadenza/error.h"

namespace cadenza::cuda {

/// What is thrown where the device has no room for `bytes` more, with what it has; `purpose` (" to
/// ...") may say what they are for. Clears CUDA's last error.
OutOfMemory no_room(std::size_t bytes, const std::string& purpose = "");

/// Device memory for the work of one stream. What is given back is handed out again at once, while
/// kernels that use it may still be queued: the order of the stream keeps the two apart. Sizes are
/// not rounded, so that a tool that watches allocations sees every access beyond one; steps ask
/// for the same sizes again and again, so blocks are found by size.
class MemoryPool {
 public:
  MemoryPool() = default;
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  ~MemoryPool();

  /// 256-byte aligned, content undefined; bytes > 0. OutOfMemory when the device is full.
  void* allocate(std::size_t bytes);
  void release(void* data) noexcept;

  /// What is given back from here to end_recording() belongs to a graph that has not run yet: it is
  /// handed out again, but the device does not get it back.
  void begin_recording() { recording_ = true; }
  void end_recording() noexcept;

 private:
  void free_cached() noexcept;

  std::unordered_map<void*, std::size_t> sizes_;                // of every block
  std::unordered_map<std::size_t, std::vector<void*>> cached_;  // free blocks by size
  std::unordered_set<void*> recorded_;                          // blocks given back meanwhile
  bool recording_ = false;
};

/// Memory of an operation that ends with it.
template <typename T>
class Scratch {
 public:
  /// Nothing is allocated for count = 0.
  Scratch(MemoryPool& pool, std::size_t count)
      : pool_(&pool),
        data_(count == 0 ? nullptr : static_cast<T*>(pool.allocate(count * sizeof(T)))) {}
  Scratch(Scratch&& other) noexcept
      : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Scratch() {
    if (data_ != nullptr) pool_->release(data_);
  }

  T* get() const { return data_; }

 private:
  MemoryPool* pool_;
  T* data_;
};

}  // namespace cadenza::cuda
