// SPDX-License-Identifier: Apache-2.0
#include "core/draw.h"
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/reduce.cuh"
#include "kernels/sample_keys.h"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 128;

/// log(1 + e^x)
__device__ double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }

// Mapping: a warp per row, rows in a grid-stride loop; a lane <-> quads of keys, which share noise.
// Memory: no shared memory; logits are read once.
// Numerics: keys bit for bit as sample_key(); log-probability in double, summed by a fixed tree.
// Limits: any batch, D < 2^26.
__global__ void __launch_bounds__(kThreads) sample_keys_kernel(SampleKeys args) {
  const auto lane = static_cast<std::int64_t>(threadIdx.x % kWarpSize);
  const std::int64_t stride = std::int64_t{gridDim.x} * (kThreads / kWarpSize);
  std::int64_t row = (std::int64_t{blockIdx.x} * kThreads + threadIdx.x) / kWarpSize;
  for (; row < args.batch; row += stride) {
    const float inverse_temperature = args.rows.params[row].inverse_temperature;
    const draw::NoiseKey noise = {args.rows.seed,
                                  static_cast<std::uint64_t>(args.rows.sequences[row]),
                                  static_cast<std::uint32_t>(args.rows.steps[row])};
    double sum = 0.0;
    for (std::int64_t first = 4 * lane; first < args.keys; first += 4 * kWarpSize) {
      const auto item = static_cast<std::uint32_t>(first);
      const PhiloxCounter words = philox(
          random_counter({RandomPurpose::keys, noise.sequence, noise.step, item}), noise.seed);
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if (first + j >= args.keys) continue;
        const std::int64_t i = row * args.keys + first + j;
        const float logit = args.logits[i];
        const bool on = draw::key_is_on(logit, inverse_temperature, noise,
                                        item + static_cast<unsigned>(j), words.word[j]);
        args.frames[i] = on ? 1.0F : 0.0F;
        if (args.log_probability == nullptr) continue;
        sum -= softplus(on ? -static_cast<double>(logit) : static_cast<double>(logit));
      }
    }
    if (args.log_probability == nullptr) continue;
    sum = warp_sum(sum);
    if (lane == 0) args.log_probability[row] = static_cast<float>(sum);
  }
}

}  // namespace

void sample_keys(const SampleKeys& args, cudaStream_t stream) {
  constexpr std::int64_t kRows = kThreads / kWarpSize;
  launch({.kernel = "sample_keys",
          .shape = {args.batch, args.keys},
          .grid = dim3(blocks_for(args.batch, kRows, kManyBlocks)),
          .block = dim3(kThreads),
          .stream = stream},
         sample_keys_kernel, args);
}

}  // namespace cadenza::kernels
