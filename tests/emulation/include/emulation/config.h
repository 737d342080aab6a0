// SPDX-License-Identifier: Apache-2.0
// What tests choose about the emulated device, and what they learn from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cadenza::emulation {

/// Which of the threads that can run is next: first or last of the line, by number; the one woken
/// last; or any, by the seed.
enum class Order { kForward, kReverse, kGreedy, kRandom };

/// When the data of an asynchronous copy lands: only when waited for, at once, or either.
enum class Copies { kLazy, kEager, kRandom };

/// When the work of a stream runs: at once, or only when the host waits for it.
enum class Streams { kEager, kLazy };

/// The emulated device. Limits are those of an H100. The environment variables
/// CADENZA_EMULATION_ORDER (forward, reverse, greedy, random), CADENZA_EMULATION_COPIES (lazy,
/// eager, random), CADENZA_EMULATION_STREAMS (eager, lazy) and CADENZA_EMULATION_SEED set the start
/// values.
struct Config {
  Order order = Order::kForward;
  Copies copies = Copies::kLazy;
  Streams streams = Streams::kEager;
  std::uint64_t seed = 1;
  unsigned resident_blocks = 2;        ///< blocks of a plain launch that run interleaved
  std::uint64_t spin_limit = 2000000;  ///< yields without progress that count as a livelock
  std::size_t stack_bytes = 128 * 1024;

  int device_count = 1;
  int driver_version = 13000;  ///< as cudaDriverGetVersion gives it; 0 without a driver
  int compute_major = 9;
  bool has_code = true;               ///< kernels are compiled for the device
  unsigned max_threads = 1024;        ///< of a block
  unsigned max_portable_cluster = 8;  ///< blocks, without the attribute that allows more
  unsigned max_cluster = 16;          ///< blocks
  unsigned processors = 132;          ///< SMs
  unsigned max_threads_per_processor = 2048;
  std::size_t default_shared_bytes = 48 * 1024;
  std::size_t max_shared_bytes = 227 * 1024;  ///< of a block whose kernel asks for it
  std::size_t shared_bytes_per_processor = 228 * 1024;
  std::size_t memory_bytes = std::size_t{80} << 30;  ///< cudaMalloc refuses to exceed it
};

/// May be changed while no kernel runs.
Config& config();

/// Counts since the start of the process or the last reset by assignment.
struct Statistics {
  std::uint64_t launches = 0;
  std::uint64_t threads = 0;
  std::uint64_t switches = 0;     ///< from one thread to another
  std::uint64_t barriers = 0;     ///< completed, of blocks, clusters and grids
  std::uint64_t collectives = 0;  ///< completed, of warps
  std::size_t device_bytes = 0;   ///< allocated now
};
Statistics& statistics();

/// What was wrong with the last launch that failed; cudaGetErrorString says it too.
const std::string& last_report();

}  // namespace cadenza::emulation
