// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/cells/elementary.h"
#include "kernels/device/launch.h"
#include "kernels/elementwise_losses.h"
#include "kernels/grid.h"
#include "kernels/reduce.cuh"

namespace cadenza::kernels {
namespace {

constexpr int kBlockThreads = 256;

/// Loss of one element and its derivative with respect to x.
struct Bernoulli {
  __device__ static float loss(float x, float target) {
    return elementary::softplus(x) - target * x;
  }
  __device__ static float slope(float x, float target) { return elementary::sigmoid(x) - target; }
};

struct Squared {
  __device__ static float loss(float x, float target) { return (x - target) * (x - target); }
  __device__ static float slope(float x, float target) { return 2.0F * (x - target); }
};

// Mapping: kThreads along x share a row: a warp with 8 rows a block, or the whole block.
// Memory: blocks exchange 8 floats; each element is read once.
// Numerics: f32; a thread sums its elements in order, the threads' sums are added in a fixed tree.
// Limits: none. In place is safe: a thread reads an element before it writes its gradient.
template <typename Loss, int kThreads>
__global__ void __launch_bounds__(kBlockThreads) elementwise_loss_kernel(ElementwiseLoss args) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= args.rows) return;
  const float weight = args.weights == nullptr ? 1.0F : args.weights[row];
  const float factor = args.scale * weight;
  float sum = 0.0F;
  for (std::int64_t d = threadIdx.x; d < args.width; d += kThreads) {
    const std::int64_t at = row * args.width + d;
    const float x = args.inputs[at];
    const float target = args.targets[at];
    sum += Loss::loss(x, target);
    if (args.d_inputs != nullptr) args.d_inputs[at] = factor * Loss::slope(x, target);
  }
  sum = block_sum<kThreads>(sum);
  if (threadIdx.x == 0) args.row_loss[row] = weight * sum;
}

template <typename Loss, int kThreads>
void launch_rows(const char* name, const ElementwiseLoss& loss, cudaStream_t stream) {
  constexpr unsigned kRows = kBlockThreads / kThreads;
  launch({.kernel = name,
          .shape = {loss.rows, loss.width},
          .grid = dim3(blocks_for(loss.rows, kRows)),
          .block = dim3(kThreads, kRows),
          .stream = stream},
         elementwise_loss_kernel<Loss, kThreads>, loss);
}

/// Rows up to this width are a warp's.
constexpr std::int64_t kWarpWidth = 1024;

template <typename Loss>
void run(const char* name, const ElementwiseLoss& loss, cudaStream_t stream) {
  if (loss.width <= kWarpWidth) {
    launch_rows<Loss, kWarpSize>(name, loss, stream);
  } else {
    launch_rows<Loss, kBlockThreads>(name, loss, stream);
  }
}

}  // namespace

void bernoulli_loss(const ElementwiseLoss& loss, cudaStream_t stream) {
  run<Bernoulli>("bernoulli_loss", loss, stream);
}

void squared_loss(const ElementwiseLoss& loss, cudaStream_t stream) {
  run<Squared>("squared_loss", loss, stream);
}

}  // namespace cadenza::kernels
