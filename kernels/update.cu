// SPDX-License-Identifier: Apache-2.0
#include "cadenza/exact_math.h"
#include "core/update_factors.h"
#include "kernels/map.cuh"
#include "kernels/reduce.cuh"
#include "kernels/update.h"

namespace cadenza::kernels {
namespace {

constexpr int kNormThreads = 512;
constexpr std::int64_t kNormChunk = 16384;  // elements of one block

/// What an element adds to the sum: its square, or a partial sum itself.
__device__ double addend(float x) { return static_cast<double>(x) * static_cast<double>(x); }
__device__ double addend(double x) { return x; }

// out[block] = sum of addend(x[i]) over the block's chunk.
// Mapping: one block a chunk of `chunk` elements, threads in turn.
// Memory: x read once; 16 doubles of shared memory.
// Numerics: double; order fixed by the thread count.
// Limits: none.
template <typename T>
__global__ void squared_norm_kernel(const T* x, std::int64_t count, std::int64_t chunk,
                                    double* out) {
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * chunk;
  const std::int64_t end = begin + chunk < count ? begin + chunk : count;
  double sum = 0.0;
#pragma unroll 4
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kNormThreads) sum += addend(x[i]);
  sum = block_sum<kNormThreads>(sum);
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

/// [count] each; the moments are null where the rule has none.
struct Arrays {
  float* parameters;
  const float* gradients;
  float* first;
  float* second;
};

struct Clip {
  const double* squared_norm;  // null: gradients stay as they are
  double limit;
};

__device__ float factor_of(const Clip& clip) {
  if (clip.squared_norm == nullptr) return 1.0F;
  const double factor = clip.limit / (sqrt(*clip.squared_norm) + 1e-6);
  return static_cast<float>(factor < 1.0 ? factor : 1.0);
}

/// One parameter with its gradient and moments.
struct Element {
  float parameter, gradient, first, second;
};

__device__ void renew_second(const UpdateFactors& f, Element& e) {
  e.second = exact_fma(f.beta2, e.second, exact_mul(f.rest2, exact_mul(e.gradient, e.gradient)));
}

/// What a parameter changes by, divided by -rate.
template <OptimizerKind kKind>
__device__ float direction(const UpdateFactors& f, Element& e) {
  if constexpr (kKind == OptimizerKind::momentum) {
    e.first = exact_fma(f.beta1, e.first, e.gradient);
    return e.first;
  } else if constexpr (kKind == OptimizerKind::rmsprop) {
    renew_second(f, e);
    return exact_div(e.gradient, exact_add(sqrtf(e.second), f.epsilon));
  } else if constexpr (kKind == OptimizerKind::sgd) {
    return e.gradient;
  } else {
    e.first = exact_fma(f.beta1, e.first, exact_mul(f.rest1, e.gradient));
    renew_second(f, e);
    return exact_div(e.first, exact_fma(sqrtf(e.second), f.root, f.epsilon));
  }
}

template <OptimizerKind kKind>
__device__ void update_element(const UpdateFactors& f, float clip, Element& e) {
  e.parameter = exact_mul(e.parameter, f.keep);
  e.gradient = exact_fma(f.decay, e.parameter, exact_mul(e.gradient, clip));
  const float change = direction<kKind>(f, e);
  e.parameter = exact_fma(-f.rate, change, e.parameter);
}

template <OptimizerKind kKind>
inline constexpr bool kHasFirst = kKind == OptimizerKind::momentum ||
                                  kKind == OptimizerKind::adam || kKind == OptimizerKind::adamw;
template <OptimizerKind kKind>
inline constexpr bool kHasSecond = kKind == OptimizerKind::rmsprop ||
                                   kKind == OptimizerKind::adam || kKind == OptimizerKind::adamw;

/// Reads, updates and writes kWidth elements at `i`.
template <OptimizerKind kKind, int kWidth>
__device__ void update_at(const Arrays& arrays, const UpdateFactors& f, float clip,
                          std::int64_t i) {
  using Group = Pack<float, kWidth>;
  const auto load = [i](const float* array) {
    return load_vector(reinterpret_cast<const Group*>(array + i));
  };
  Group parameter = load(arrays.parameters);
  const Group gradient = load(arrays.gradients);
  Group first = {};
  Group second = {};
  if constexpr (kHasFirst<kKind>) first = load(arrays.first);
  if constexpr (kHasSecond<kKind>) second = load(arrays.second);
#pragma unroll
  for (int j = 0; j < kWidth; ++j) {
    Element e = {parameter.value[j], gradient.value[j], first.value[j], second.value[j]};
    update_element<kKind>(f, clip, e);
    parameter.value[j] = e.parameter;
    first.value[j] = e.first;
    second.value[j] = e.second;
  }
  const auto store = [i](float* array, const Group& group) {
    store_vector(reinterpret_cast<Group*>(array + i), group);
  };
  store(arrays.parameters, parameter);
  if constexpr (kHasFirst<kKind>) store(arrays.first, first);
  if constexpr (kHasSecond<kKind>) store(arrays.second, second);
}

// One step of the optimiser on all parameters.
// Mapping: threads of all blocks take groups of four elements in turn, then those behind `packed`.
// Memory: each array read and written once, 16 bytes at a time; one float of shared memory.
// Numerics: the operations of the cpu backend, each rounded once; rules of torch.optim.
// Limits: `packed` is a multiple of four, 0 where an array is not aligned.
template <OptimizerKind kKind>
__global__ void update_kernel(Arrays arrays, UpdateFactors f, Clip clip, std::int64_t packed,
                              std::int64_t count) {
  CADENZA_SHARED(factor, float[1]);
  if (threadIdx.x == 0) factor[0] = factor_of(clip);
  __syncthreads();
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (std::int64_t i = kMapWidth * thread; i < packed; i += kMapWidth * threads) {
    update_at<kKind, kMapWidth>(arrays, f, factor[0], i);
  }
  for (std::int64_t i = packed + thread; i < count; i += threads) {
    update_at<kKind, 1>(arrays, f, factor[0], i);
  }
}

template <OptimizerKind kKind>
void launch_update(const UpdateArgs& args, cudaStream_t stream) {
  const Arrays arrays = {.parameters = args.parameters.as<float>(),
                         .gradients = args.gradients.as<float>(),
                         .first = args.first_moment.as<float>(),
                         .second = args.second_moment.as<float>()};
  const Clip clip = {
      .squared_norm = args.clip_norm > 0.0 ? args.squared_norm.as<double>() : nullptr,
      .limit = args.clip_norm};
  const std::int64_t count = args.parameters.count();
  const bool aligned = packs_at(arrays.parameters) && packs_at(arrays.gradients) &&
                       packs_at(arrays.first) && packs_at(arrays.second);
  launch({.kernel = "update",
          .shape = {count},
          .grid = dim3(blocks_for(count, kMapThreads * kMapWidth, kManyBlocks)),
          .block = dim3(kMapThreads),
          .stream = stream},
         update_kernel<kKind>, arrays, update_factors(args), clip,
         aligned ? count / kMapWidth * kMapWidth : 0, count);
}

template <typename T>
void launch_norm(const T* x, std::int64_t count, std::int64_t chunk, double* out,
                 cudaStream_t stream) {
  launch({.kernel = "squared_norm",
          .shape = {count},
          .grid = dim3(blocks_for(count, chunk)),
          .block = dim3(kNormThreads),
          .stream = stream},
         squared_norm_kernel<T>, x, count, chunk, out);
}

}  // namespace

std::size_t squared_norm_scratch(std::int64_t count) { return blocks_for(count, kNormChunk); }

void squared_norm(const float* x, std::int64_t count, double* scratch, double* out,
                  cudaStream_t stream) {
  const auto parts = static_cast<std::int64_t>(squared_norm_scratch(count));
  launch_norm(x, count, kNormChunk, scratch, stream);
  launch({.kernel = "squared_norm",
          .shape = {parts},
          .grid = dim3(1),
          .block = dim3(kNormThreads),
          .stream = stream},
         squared_norm_kernel<double>, static_cast<const double*>(scratch), parts, parts, out);
}

void update(const UpdateArgs& args, cudaStream_t stream) {
  switch (args.kind) {
    case OptimizerKind::sgd:
      return launch_update<OptimizerKind::sgd>(args, stream);
    case OptimizerKind::momentum:
      return launch_update<OptimizerKind::momentum>(args, stream);
    case OptimizerKind::rmsprop:
      return launch_update<OptimizerKind::rmsprop>(args, stream);
    case OptimizerKind::adam:
      return launch_update<OptimizerKind::adam>(args, stream);
    case OptimizerKind::adamw:
      return launch_update<OptimizerKind::adamw>(args, stream);
  }
}

}  // namespace cadenza::kernels
