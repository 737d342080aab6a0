// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/staging.h"

#include <algorithm>

#include "backend/cuda/cuda_check.h"

namespace cadenza::cuda {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{4} << 20;
constexpr std::size_t kAlignment = 64;

}  // namespace

Staging::~Staging() {
  for (const Block& block : blocks_) static_cast<void>(cudaFreeHost(block.data));
}

void* Staging::take(std::size_t bytes) {
  Block& block = block_for(bytes);
  void* data = block.data + block.used;
  block.used += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  block.fenced = false;
  return data;
}

Staging::Block& Staging::block_for(std::size_t bytes) {
  for (Block& block : blocks_) {
    if (block.used > 0 && block.fenced && cudaEventQuery(block.copied.get()) == cudaSuccess) {
      block.used = 0;
    }
    if (block.used + bytes <= block.size) return block;
  }
  Block block;
  block.size = std::max(bytes, kBlockBytes);
  void* data = nullptr;
  CADENZA_CUDA_CHECK(cudaMallocHost(&data, block.size));
  block.data = static_cast<std::byte*>(data);
  blocks_.push_back(std::move(block));
  blocks_.back().copied = make_event();
  return blocks_.back();
}

void Staging::fence() {
  for (Block& block : blocks_) {
    if (block.fenced) continue;
    CADENZA_CUDA_CHECK(cudaEventRecord(block.copied.get(), stream_));
    block.fenced = true;
  }
}

}  // namespace cadenza::cuda
