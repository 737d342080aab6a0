// SPDX-License-Identifier: Apache-2.0
// Shared memory of blocks. Each array stands alone between zones that nobody may touch: poisoned
// under AddressSanitizer, otherwise filled with a pattern that is looked at when the block ends.
// Arrays begin as all ones, a NaN in every floating-point type.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unordered_map>

#include "emulation/config.h"
#include "scheduler.h"

namespace cadenza::emulation {
namespace {

constexpr std::size_t kZone = 512;
constexpr std::size_t kAlignment = 128;
constexpr unsigned char kZoneByte = 0xA7;
constexpr int kContent = 0xFF;

std::size_t round_up(std::size_t n, std::size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

std::size_t allocation_bytes(std::size_t bytes) {
  return kZone + round_up(bytes + kZone, kAlignment);
}

/// Memory of ended blocks: by bytes of the array, for the next; or, where races are sought, kept
/// until the launch ends, since the threads of different blocks are not ordered.
std::unordered_map<std::size_t, std::vector<unsigned char*>> idle;
std::vector<unsigned char*> retired;

/// With zones of the pattern around an array of `bytes` bytes.
unsigned char* take_memory(std::size_t bytes) {
  std::vector<unsigned char*>& candidates = idle[bytes];
  if (!candidates.empty()) {
    unsigned char* memory = candidates.back();
    candidates.pop_back();
    return memory;
  }
  void* memory = nullptr;
  const std::size_t total = allocation_bytes(bytes);
  if (posix_memalign(&memory, kAlignment, total) != 0) throw std::bad_alloc();
  std::memset(memory, kZoneByte, total);
  return static_cast<unsigned char*>(memory);
}

SharedArray make_array(const void* key, const char* name, std::size_t bytes,
                       std::size_t alignment) {
  unsigned char* memory = take_memory(bytes);
  SharedArray array = {key, name, memory + kZone, bytes, alignment};
  std::memset(array.data, kContent, bytes);
  poison(memory, kZone);
  poison(array.data + bytes, allocation_bytes(bytes) - kZone - bytes);
  return array;
}

bool zones_intact(const SharedArray& array) {
  const auto intact = [](const unsigned char* from, const unsigned char* to) {
    return std::all_of(from, to, [](unsigned char byte) { return byte == kZoneByte; });
  };
  const unsigned char* begin = array.data - kZone;
  return intact(begin, array.data) &&
         intact(array.data + array.bytes, begin + allocation_bytes(array.bytes));
}

void release_array(const SharedArray& array) {
  unsigned char* memory = array.data - kZone;
  if (kPoisons) {
    unpoison(memory, allocation_bytes(array.bytes));
    std::free(memory);
  } else if (kFindsRaces) {
    retired.push_back(memory);
  } else {
    idle[array.bytes].push_back(memory);
  }
}

SharedArray* find_static(Block& block, const void* key) {
  for (SharedArray& array : block.static_arrays) {
    if (array.key == key) return &array;
  }
  return nullptr;
}

SharedArray& add_static(Block& block, const void* key, const char* name, std::size_t bytes,
                        std::size_t alignment, Location at) {
  block.static_bytes = round_up(block.static_bytes, alignment) + bytes;
  if (block.static_bytes > config().default_shared_bytes) {
    fail_grid("static shared memory of a block exceeds " +
              std::to_string(config().default_shared_bytes) + " bytes at " + to_string(at));
  }
  block.static_arrays.push_back(make_array(key, name, bytes, alignment));
  return block.static_arrays.back();
}

SharedArray& add_dynamic(Block& block, std::size_t bytes, std::size_t alignment, Location at) {
  block.dynamic_bytes = round_up(block.dynamic_bytes, alignment) + bytes;
  if (block.dynamic_bytes > grid->shape.shared_bytes) {
    fail_grid("the kernel takes " + std::to_string(block.dynamic_bytes) +
              " bytes of dynamic shared memory, launched with " +
              std::to_string(grid->shape.shared_bytes) + ", at " + to_string(at));
  }
  block.dynamic_arrays.push_back(make_array(nullptr, "dynamic", bytes, alignment));
  return block.dynamic_arrays.back();
}

}  // namespace

SharedArray* find_array(Block& block, const void* object, std::size_t bytes) {
  const auto* first = static_cast<const unsigned char*>(object);
  for (auto* arrays : {&block.static_arrays, &block.dynamic_arrays}) {
    for (SharedArray& array : *arrays) {
      if (first >= array.data && first + bytes <= array.data + array.bytes) return &array;
    }
  }
  return nullptr;
}

void* static_shared(const void* key, const char* name, std::size_t bytes, std::size_t alignment,
                    Location at) {
  const Unobserved unobserved;
  Block& block = *running->block;
  if (const SharedArray* array = find_static(block, key)) return array->data;
  return add_static(block, key, name, bytes, alignment, at).data;
}

void* dynamic_shared(std::size_t bytes, std::size_t alignment, Location at) {
  const Unobserved unobserved;
  Block& block = *running->block;
  const unsigned number = running->arrays_taken++;
  if (number >= block.dynamic_arrays.size()) {
    return add_dynamic(block, bytes, alignment, at).data;
  }
  const SharedArray& array = block.dynamic_arrays[number];
  if (array.bytes != bytes) {
    fail_grid("threads of a block take dynamic shared arrays of different sizes at " +
              to_string(at) + ", " + name_of(*running));
  }
  return array.data;
}

void* map_shared(const void* object, unsigned rank, Location at) {
  const Unobserved unobserved;
  Block& own = *running->block;
  Cluster& cluster = *own.cluster;
  if (rank >= cluster.blocks.size()) {
    fail_grid("map_shared_rank: rank " + std::to_string(rank) + " outside the cluster, at " +
              to_string(at) + ", " + name_of(*running));
  }
  const SharedArray* array = find_array(own, object, 1);
  if (array == nullptr) {
    fail_grid("map_shared_rank: not an address in this block's shared memory, at " + to_string(at) +
              ", " + name_of(*running));
  }
  Block& peer = *cluster.blocks[rank];
  if (peer.live == 0) {
    fail_grid("map_shared_rank: the block of that rank has ended, at " + to_string(at) + ", " +
              name_of(*running));
  }
  const std::ptrdiff_t offset = static_cast<const unsigned char*>(object) - array->data;
  if (array->key != nullptr) {
    const SharedArray* there = find_static(peer, array->key);
    if (there == nullptr) {
      there = &add_static(peer, array->key, array->name, array->bytes, array->alignment, at);
    }
    return there->data + offset;
  }
  const auto number = static_cast<std::size_t>(array - own.dynamic_arrays.data());
  while (peer.dynamic_arrays.size() <= number) {
    const SharedArray& next = own.dynamic_arrays[peer.dynamic_arrays.size()];
    add_dynamic(peer, next.bytes, next.alignment, at);
  }
  return peer.dynamic_arrays[number].data + offset;
}

void close_shared_memory(Block& block) {
  for (auto* arrays : {&block.static_arrays, &block.dynamic_arrays}) {
    for (const SharedArray& array : *arrays) {
      if (kPoisons) {
        poison(array.data, array.bytes);
        continue;
      }
      if (!zones_intact(array)) {
        fail_grid(std::string("write outside shared array '") + array.name + "' of block (" +
                  std::to_string(block.index.x) + "," + std::to_string(block.index.y) + "," +
                  std::to_string(block.index.z) + "), noticed when the block ended");
      }
      std::memset(array.data, kContent, array.bytes);
    }
  }
}

void free_shared_memory(Block& block) {
  for (auto* arrays : {&block.static_arrays, &block.dynamic_arrays}) {
    for (const SharedArray& array : *arrays) {
      if (!kPoisons && !zones_intact(array)) {  // reported before; not for reuse
        std::memset(array.data - kZone, kZoneByte, allocation_bytes(array.bytes));
      }
      release_array(array);
    }
    arrays->clear();
  }
  block.static_bytes = block.dynamic_bytes = 0;
}

void free_retired_shared_memory() {
  for (unsigned char* memory : retired) std::free(memory);
  retired.clear();
}

}  // namespace cadenza::emulation
