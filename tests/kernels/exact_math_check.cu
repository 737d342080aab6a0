// SPDX-License-Identifier: Apache-2.0
// Compares the project's own exp, log, log1p and the noise of the draw between device and host, bit
// for bit, over all 2^32 inputs, and the bounds of kernels/noise_floor.h with that noise. Prints
// one line of JSON; exit code 1 if anything differs.
//   exact_math_check [STRIDE]   every STRIDE-th input only; 1 if not said
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "cadenza/exact_math.h"
#include "core/draw.h"
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/noise_floor.h"

namespace cadenza::kernels {
namespace {

constexpr std::uint64_t kInputs = std::uint64_t{1} << 32;
constexpr std::uint64_t kChunk = std::uint64_t{1} << 25;  // inputs at a time
constexpr unsigned kThreads = 256;
constexpr unsigned kBlocks = 4096;

enum class Function { exp, log, log1p, noise };
constexpr std::array<const char*, 4> kNames = {"exact_exp", "exact_log", "exact_log1p", "gumbel"};

/// The function at the float, or of the word, with these bits.
CADENZA_HOST_DEVICE inline std::uint32_t evaluate(Function function, std::uint32_t bits) {
  switch (function) {
    case Function::exp:
      return float_bits(exact_exp(bits_float(bits)));
    case Function::log:
      return float_bits(exact_log(bits_float(bits)));
    case Function::log1p:
      return float_bits(exact_log1p(bits_float(bits)));
    case Function::noise:
      break;
  }
  return float_bits(draw::gumbel(draw::unit(bits)));
}

/// Inputs (first + i) * stride for i < count.
struct Chunk {
  Function function;
  std::uint64_t first;
  std::uint64_t count;
  std::uint64_t stride;
};

__host__ __device__ inline std::uint32_t input_of(const Chunk& chunk, std::uint64_t i) {
  return static_cast<std::uint32_t>((chunk.first + i) * chunk.stride);
}

// Mapping: a thread per input, in a grid-stride loop.
// Memory: no shared memory; 4 bytes written an input.
// Numerics: the functions under test.
// Limits: none.
__global__ void evaluate_kernel(Chunk chunk, std::uint32_t* results) {
  const std::uint64_t stride = std::uint64_t{gridDim.x} * blockDim.x;
  std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i < chunk.count; i += stride) {
    results[i] = evaluate(chunk.function, input_of(chunk, i));
  }
}

struct Findings {
  std::uint64_t mismatches = 0;
  std::uint64_t bound_violations = 0;
  Function function = Function::exp;  // of the first mismatch
  std::uint32_t input = 0;
  std::uint32_t device = 0;
  std::uint32_t host = 0;

  void add(const Findings& other) {
    if (mismatches == 0 && other.mismatches > 0) {
      const std::uint64_t violations = bound_violations;
      *this = other;
      bound_violations += violations;
      return;
    }
    mismatches += other.mismatches;
    bound_violations += other.bound_violations;
  }
};

bool is_bounded(std::uint32_t word, float noise) {
  if (word < draw::kTailWords) return true;  // the noise of those has further bits
  const double floor = -static_cast<double>(NoiseFloor::kStep) * noise_steps(word);
  return floor <= noise && noise <= floor + static_cast<double>(NoiseFloor::kGap);
}

Findings compare(const Chunk& chunk, const std::uint32_t* results, std::uint64_t begin,
                 std::uint64_t end) {
  Findings found;
  for (std::uint64_t i = begin; i < end; ++i) {
    const std::uint32_t input = input_of(chunk, i);
    const std::uint32_t host = evaluate(chunk.function, input);
    if (chunk.function == Function::noise && !is_bounded(input, bits_float(host))) {
      ++found.bound_violations;
    }
    if (host == results[i]) continue;
    found.add({.mismatches = 1,
               .function = chunk.function,
               .input = input,
               .device = results[i],
               .host = host});
  }
  return found;
}

/// compare() on all cores.
Findings compare_threaded(const Chunk& chunk, const std::uint32_t* results) {
  const std::uint64_t threads = std::max(1U, std::thread::hardware_concurrency());
  std::vector<Findings> parts(threads);
  std::vector<std::thread> workers;
  for (std::uint64_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      parts[t] =
          compare(chunk, results, chunk.count * t / threads, chunk.count * (t + 1) / threads);
    });
  }
  Findings found;
  for (std::uint64_t t = 0; t < threads; ++t) {
    workers[t].join();
    found.add(parts[t]);
  }
  return found;
}

void require(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw DeviceError(message(what, " failed: ", cudaGetErrorString(status)));
}

Findings check_all(std::uint64_t stride) {
  const std::uint64_t count = (kInputs + stride - 1) / stride;
  const std::uint64_t chunk_size = std::min(count, kChunk);
  const std::size_t bytes = chunk_size * sizeof(std::uint32_t);
  void* on_device = nullptr;
  void* on_host = nullptr;
  require(cudaMalloc(&on_device, bytes), "cudaMalloc");
  require(cudaMallocHost(&on_host, bytes), "cudaMallocHost");
  Findings found;
  for (const Function function : {Function::exp, Function::log, Function::log1p, Function::noise}) {
    for (std::uint64_t first = 0; first < count; first += chunk_size) {
      const Chunk chunk = {function, first, std::min(chunk_size, count - first), stride};
      const auto blocks = static_cast<unsigned>((chunk.count + kThreads - 1) / kThreads);
      launch({.kernel = kNames[static_cast<std::size_t>(function)],
              .shape = {static_cast<std::int64_t>(chunk.count)},
              .grid = dim3(std::min(blocks, kBlocks)),
              .block = dim3(kThreads)},
             evaluate_kernel, chunk, static_cast<std::uint32_t*>(on_device));
      require(cudaMemcpy(on_host, on_device, chunk.count * sizeof(std::uint32_t),
                         cudaMemcpyDeviceToHost),
              "cudaMemcpy");
      found.add(compare_threaded(chunk, static_cast<const std::uint32_t*>(on_host)));
    }
  }
  require(cudaFree(on_device), "cudaFree");
  require(cudaFreeHost(on_host), "cudaFreeHost");
  return found;
}

int run(std::uint64_t stride) {
  const auto start = std::chrono::steady_clock::now();
  const Findings found = check_all(stride);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::uint64_t count = (kInputs + stride - 1) / stride;
  std::printf("{\"check\": \"exact_math\", \"functions\": %zu, \"inputs\": %llu, ", kNames.size(),
              static_cast<unsigned long long>(count));
  std::printf("\"mismatches\": %llu, \"bound_violations\": %llu, \"first_mismatch\": ",
              static_cast<unsigned long long>(found.mismatches),
              static_cast<unsigned long long>(found.bound_violations));
  if (found.mismatches == 0) {
    std::printf("null");
  } else {
    std::printf("{\"function\": \"%s\", \"input\": \"0x%08x\", ",
                kNames[static_cast<std::size_t>(found.function)], found.input);
    std::printf("\"device\": \"0x%08x\", \"host\": \"0x%08x\"}", found.device, found.host);
  }
  std::printf(", \"seconds\": %.2f}\n", seconds.count());
  return found.mismatches == 0 && found.bound_violations == 0 ? 0 : 1;
}

}  // namespace
}  // namespace cadenza::kernels

int main(int argc, char** argv) {
  const std::uint64_t stride = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  if (stride == 0 || argc > 2) {
    std::fprintf(stderr, "usage: exact_math_check [STRIDE]\n");
    return 2;
  }
  try {
    return cadenza::kernels::run(stride);
  } catch (const cadenza::Error& error) {
    std::fprintf(stderr, "exact_math_check: %s\n", error.what());
    return 2;
  }
}
