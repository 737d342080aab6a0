// SPDX-License-Identifier: Apache-2.0
// Emulation: the cooperative groups that kernels of the project use.
#pragma once

#include "cuda_runtime.h"

namespace cooperative_groups {

using cadenza::emulation::Location;

class thread_block {
 public:
  void sync(Location at = Location::here()) const { cadenza::emulation::block_sync(at); }
  unsigned thread_rank() const {
    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  }
  unsigned num_threads() const { return blockDim.x * blockDim.y * blockDim.z; }
  unsigned size() const { return num_threads(); }
  dim3 group_index() const { return blockIdx; }
  dim3 thread_index() const { return threadIdx; }
};
inline thread_block this_thread_block() { return {}; }

template <unsigned kSize, typename Parent = thread_block>
class thread_block_tile {
  static_assert(kSize > 0 && kSize <= 32 && (kSize & (kSize - 1)) == 0);

 public:
  static constexpr unsigned num_threads() { return kSize; }
  static constexpr unsigned size() { return kSize; }
  unsigned thread_rank() const { return cadenza::emulation::lane() % kSize; }
  unsigned meta_group_rank() const { return thread_block().thread_rank() / kSize; }
  unsigned meta_group_size() const { return (thread_block().num_threads() + kSize - 1) / kSize; }
  void sync(Location at = Location::here()) const { cadenza::emulation::warp_sync(mask(), at); }
  template <typename T>
  T shfl(T value, int source, Location at = Location::here()) const {
    return __shfl_sync(mask(), value, source, kWidth, at);
  }
  template <typename T>
  T shfl_xor(T value, int lane_mask, Location at = Location::here()) const {
    return __shfl_xor_sync(mask(), value, lane_mask, kWidth, at);
  }
  template <typename T>
  T shfl_up(T value, unsigned delta, Location at = Location::here()) const {
    return __shfl_up_sync(mask(), value, delta, kWidth, at);
  }
  template <typename T>
  T shfl_down(T value, unsigned delta, Location at = Location::here()) const {
    return __shfl_down_sync(mask(), value, delta, kWidth, at);
  }
  unsigned ballot(int vote, Location at = Location::here()) const {
    return __ballot_sync(mask(), vote, at) >> first_lane();
  }
  int any(int vote, Location at = Location::here()) const { return __any_sync(mask(), vote, at); }
  int all(int vote, Location at = Location::here()) const { return __all_sync(mask(), vote, at); }

 private:
  static constexpr int kWidth = static_cast<int>(kSize);
  static unsigned first_lane() { return cadenza::emulation::lane() & ~(kSize - 1); }
  static unsigned mask() { return (kSize == 32 ? ~0U : (1U << kSize % 32) - 1) << first_lane(); }
};
template <unsigned kSize, typename Parent>
thread_block_tile<kSize, Parent> tiled_partition(const Parent&) {
  return {};
}

class grid_group {
 public:
  bool is_valid() const { return cadenza::emulation::is_cooperative(); }
  void sync(Location at = Location::here()) const { cadenza::emulation::grid_sync(at); }
  unsigned long long num_blocks() const { return 1ULL * gridDim.x * gridDim.y * gridDim.z; }
  unsigned long long block_rank() const {
    return blockIdx.x + 1ULL * gridDim.x * (blockIdx.y + 1ULL * gridDim.y * blockIdx.z);
  }
  unsigned long long num_threads() const { return num_blocks() * thread_block().num_threads(); }
  unsigned long long size() const { return num_threads(); }
  unsigned long long thread_rank() const {
    return block_rank() * thread_block().num_threads() + thread_block().thread_rank();
  }
};
inline grid_group this_grid() { return {}; }

class cluster_group {
 public:
  struct arrival_token {};

  void sync(Location at = Location::here()) const {
    cadenza::emulation::cluster_arrive(at);
    cadenza::emulation::cluster_wait(at);
  }
  arrival_token barrier_arrive(Location at = Location::here()) const {
    cadenza::emulation::cluster_arrive(at);
    return {};
  }
  void barrier_wait(Location at = Location::here()) const { cadenza::emulation::cluster_wait(at); }
  void barrier_wait(arrival_token&&, Location at = Location::here()) const {
    cadenza::emulation::cluster_wait(at);
  }
  unsigned block_rank() const { return cadenza::emulation::cluster_rank(); }
  unsigned num_blocks() const { return cadenza::emulation::cluster_size(); }
  unsigned num_threads() const { return num_blocks() * thread_block().num_threads(); }
  unsigned size() const { return num_threads(); }
  unsigned thread_rank() const {
    return block_rank() * thread_block().num_threads() + thread_block().thread_rank();
  }
  template <typename T>
  T* map_shared_rank(T* object, int rank, Location at = Location::here()) const {
    return static_cast<T*>(cadenza::emulation::map_shared(object, static_cast<unsigned>(rank), at));
  }
};
inline cluster_group this_cluster() { return {}; }

template <typename Group>
void sync(const Group& group, Location at = Location::here()) {
  group.sync(at);
}

}  // namespace cooperative_groups
