// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/memory_pool.h"

#include <cuda_runtime_api.h>

#include "backend/cuda/cuda_check.h"

namespace cadenza::cuda {

OutOfMemory no_room(std::size_t bytes, const std::string& purpose) {
  static_cast<void>(cudaGetLastError());
  std::size_t free = 0;
  std::size_t total = 0;
  static_cast<void>(cudaMemGetInfo(&free, &total));
  return OutOfMemory(message("the GPU has no room for ", bytes, " more bytes", purpose, ": ", free,
                             " of ", total, " bytes are free"));
}

MemoryPool::~MemoryPool() {
  for (const auto& [data, bytes] : sizes_) static_cast<void>(cudaFree(data));
}

void* MemoryPool::allocate(std::size_t bytes) {
  if (const auto found = cached_.find(bytes); found != cached_.end() && !found->second.empty()) {
    void* data = found->second.back();
    found->second.pop_back();
    return data;
  }
  void* data = nullptr;
  cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    free_cached();
    status = cudaMalloc(&data, bytes);
  }
  if (status == cudaErrorMemoryAllocation) throw no_room(bytes);
  CADENZA_CUDA_CHECK(status);
  sizes_[data] = bytes;
  return data;
}

void MemoryPool::release(void* data) noexcept {
  cached_[sizes_.at(data)].push_back(data);
  if (recording_) recorded_.insert(data);
}

void MemoryPool::end_recording() noexcept {
  recording_ = false;
  recorded_.clear();
}

void MemoryPool::free_cached() noexcept {
  for (auto& [bytes, blocks] : cached_) {
    std::erase_if(blocks, [this](void* data) {
      if (recorded_.contains(data)) return false;
      sizes_.erase(data);
      static_cast<void>(cudaFree(data));
      return true;
    });
  }
}

}  // namespace cadenza::cuda
