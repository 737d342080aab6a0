// SPDX-License-Identifier: Apache-2.0
#include "kernels/cells/elementary.h"
#include "kernels/elementwise.h"
#include "kernels/map.cuh"
#include "kernels/reduce.cuh"

namespace cadenza::kernels {
namespace {

template <typename T>
struct Constant {
  T value;
  __device__ T operator()() const { return value; }
};

struct AddMultiple {
  float alpha;
  __device__ float operator()(float x, float y) const { return exact_fma(alpha, x, y); }
};

template <Activation kKind>
struct Activate {
  __device__ float operator()(float x) const {
    if constexpr (kKind == Activation::sigmoid) return elementary::sigmoid(x);
    if constexpr (kKind == Activation::tanh) return elementary::tanh(x);
    if constexpr (kKind == Activation::relu) return elementary::at_least(x, 0.0F);
    return x;
  }
};

template <Activation kKind>
struct ActivateBack {
  __device__ float operator()(float y, float dy) const {
    if constexpr (kKind == Activation::sigmoid) return exact_mul(dy, elementary::sigmoid_slope(y));
    if constexpr (kKind == Activation::tanh) return exact_mul(dy, elementary::tanh_slope(y));
    if constexpr (kKind == Activation::relu) return y > 0.0F ? dy : 0.0F;
    return dy;
  }
};

/// Calls run(Function<kind>()).
template <template <Activation> typename Function, typename Run>
void with_kind(Activation kind, const Run& run) {
  switch (kind) {
    case Activation::identity:
      return run(Function<Activation::identity>());
    case Activation::sigmoid:
      return run(Function<Activation::sigmoid>());
    case Activation::tanh:
      return run(Function<Activation::tanh>());
    case Activation::relu:
      return run(Function<Activation::relu>());
  }
}

constexpr int kScaleWarps = 8;

// x[r][c] *= factors[r].
// Mapping: warps of all blocks take rows in turn, lanes the columns of a row.
// Memory: x read and written once; no shared memory.
// Numerics: one rounding.
// Limits: none.
__global__ void scale_rows_kernel(float* x, const float* factors, std::int64_t rows,
                                  std::int64_t columns) {
  const std::int64_t warps = static_cast<std::int64_t>(gridDim.x) * kScaleWarps;
  const auto lane = static_cast<int>(threadIdx.x);
  for (std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kScaleWarps + threadIdx.y;
       row < rows; row += warps) {
    const float factor = factors[row];
    float* const elements = x + row * columns;
    for (std::int64_t c = lane; c < columns; c += kWarpSize) elements[c] *= factor;
  }
}

}  // namespace

void fill(float* y, std::int64_t count, float value, cudaStream_t stream) {
  map("fill", stream, Constant<float>{value}, count, y);
}

void fill(std::int32_t* y, std::int64_t count, std::int32_t value, cudaStream_t stream) {
  map("fill", stream, Constant<std::int32_t>{value}, count, y);
}

void add(const float* x, float* y, std::int64_t count, float alpha, cudaStream_t stream) {
  map("add", stream, AddMultiple{alpha}, count, y, x, static_cast<const float*>(y));
}

void scale_rows(float* x, const float* factors, std::int64_t rows, std::int64_t columns,
                cudaStream_t stream) {
  launch({.kernel = "scale_rows",
          .shape = {rows, columns},
          .grid = dim3(blocks_for(rows, kScaleWarps, kManyBlocks)),
          .block = dim3(kWarpSize, kScaleWarps),
          .stream = stream},
         scale_rows_kernel, x, factors, rows, columns);
}

void activation(Activation kind, const float* x, float* y, std::int64_t count,
                cudaStream_t stream) {
  with_kind<Activate>(kind,
                      [&](auto function) { map("activation", stream, function, count, y, x); });
}

void activation_backward(const ActivationGradient& gradient, cudaStream_t stream) {
  with_kind<ActivateBack>(gradient.kind, [&](auto function) {
    map("activation_backward", stream, function, gradient.count, gradient.dx, gradient.y,
        gradient.dy);
  });
}

}  // namespace cadenza::kernels
