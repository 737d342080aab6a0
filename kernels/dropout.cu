// SPDX-License-Identifier: Apache-2.0
#include "cadenza/random.h"
#include "core/first_kept.h"
#include "kernels/dropout.h"
#include "kernels/map.cuh"

namespace cadenza::kernels {
namespace {

constexpr int kWords = 4;      // of one counter
constexpr int kItemBits = 26;  // of an element's number; the rest goes into the sequence
constexpr std::int64_t kItems = std::int64_t{1} << kItemBits;

struct Mask {
  std::uint64_t seed;
  std::uint64_t stream;
  std::uint32_t step;
  std::uint64_t first_kept;  // words below are dropped
  float factor;
};

/// The words of elements [first, first + 4); `first` is a multiple of four.
__device__ PhiloxCounter words_at(const Mask& mask, std::int64_t first) {
  return philox(random_counter({RandomPurpose::dropout,
                                mask.stream << 32 | static_cast<std::uint64_t>(first / kItems),
                                mask.step, static_cast<std::uint32_t>(first % kItems)}),
                mask.seed);
}

// y = x * factor where the word of the element is kept, 0 elsewhere.
// Mapping: threads of all blocks take groups of four elements in turn, a counter each.
// Memory: x read and y written once, the first `packed` 16 bytes at a time; no shared memory.
// Numerics: one rounding, by the factor the cpu backend takes; Philox4x32-10 (Salmon et al. 2011).
// Limits: y may be x; below 2^58 elements.
__global__ void dropout_kernel(Mask mask, const float* x, float* y, std::int64_t packed,
                               std::int64_t count) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x * kWords;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (std::int64_t first = thread * kWords; first < count; first += stride) {
    const PhiloxCounter words = words_at(mask, first);
    const auto drop = [&](int j, float value) {
      return words.word[j] >= mask.first_kept ? value * mask.factor : 0.0F;
    };
    if (first < packed) {
      Pack<float> elements = load_vector(reinterpret_cast<const Pack<float>*>(x + first));
#pragma unroll
      for (int j = 0; j < kWords; ++j) elements.value[j] = drop(j, elements.value[j]);
      store_vector(reinterpret_cast<Pack<float>*>(y + first), elements);
    } else {
#pragma unroll
      for (int j = 0; j < kWords; ++j) {
        if (first + j < count) y[first + j] = drop(j, x[first + j]);
      }
    }
  }
}

}  // namespace

void dropout(const DropoutArgs& args, cudaStream_t stream) {
  static_assert(kWords == kMapWidth);
  const Mask mask = {.seed = args.seed,
                     .stream = args.stream,
                     .step = args.step,
                     .first_kept = first_kept(args.rate),
                     .factor = static_cast<float>(1.0 / (1.0 - args.rate))};
  const auto* const x = args.x.as<float>();
  auto* const y = args.y.as<float>();
  const std::int64_t count = args.x.count();
  const std::int64_t packed = packs_at(x) && packs_at(y) ? count / kWords * kWords : 0;
  launch({.kernel = "dropout",
          .shape = {count},
          .grid = dim3(blocks_for(count, kMapThreads * kWords, kManyBlocks)),
          .block = dim3(kMapThreads),
          .stream = stream},
         dropout_kernel, mask, x, y, packed, count);
}

}  // namespace cadenza::kernels
