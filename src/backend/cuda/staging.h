// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <deque>

#include "backend/cuda/handles.h"

namespace cadenza::cuda {

/// Pinned host memory that uploads go through: the caller's bytes are free at once, and the copy to
/// the device runs while the host goes on. Blocks are used again when the copies out of them are
/// over. Copies go into the stream of the work, not into one of their own: what they overwrite may
/// be read by what was queued before, so they would wait for that all the same.
class Staging {
 public:
  explicit Staging(cudaStream_t stream) : stream_(stream) {}
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// `bytes` of pinned memory, valid until the next fence() and what the stream does before it.
  void* take(std::size_t bytes);
  /// The copies out of everything taken so far are in the stream now. Not while it is captured.
  void fence();

 private:
  struct Block {
    std::byte* data = nullptr;
    std::size_t size = 0;
    std::size_t used = 0;
    Event copied;        // recorded behind the copies out of it
    bool fenced = true;  // `copied` is recorded
  };

  Block& block_for(std::size_t bytes);

  cudaStream_t stream_;
  std::deque<Block> blocks_;
};

}  // namespace cadenza::cuda
