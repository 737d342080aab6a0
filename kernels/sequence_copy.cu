// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/elementwise.h"
#include "kernels/formats.cuh"
#include "kernels/grid.h"
#include "kernels/sequence_copy.h"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 128;
constexpr unsigned kWarp = 0xFFFFFFFFU;
// The largest exponents that leave both the scale and its reciprocal normal numbers.
constexpr int kLargestExponent = 126;

__device__ bool counts(const Rows& rows, std::int64_t row) {
  if (rows.lengths == nullptr) return true;
  const std::int64_t n = rows.rule == RowRule::within_length ? row / rows.batch : 0;
  return n < rows.lengths[row % rows.batch];
}

// to[row, i] = function(row, row * width + i), or function.otherwise(...) of rows that do not
// count. Mapping: blocks take rows in turn, threads the elements of a row in turn. Memory: each
// element is read and written once; no shared memory. Numerics: those of `function`; conversions
// round to nearest even. Limits: any number of rows, any width.
template <typename Element, typename Function>
__global__ void rows_kernel(Rows rows, Function function, Element* to) {
  const std::int64_t count = rows.count * rows.batch;
  for (std::int64_t row = blockIdx.x; row < count; row += gridDim.x) {
    const bool kept = counts(rows, row);
    for (std::int64_t i = threadIdx.x; i < rows.width; i += blockDim.x) {
      const std::int64_t element = row * rows.width + i;
      to[element] = kept ? function(row, i, element) : function.otherwise(element);
    }
  }
}

template <typename Element, typename Function>
void launch_rows(const char* name, const Rows& rows, Function function, Element* to,
                 cudaStream_t stream) {
  launch({.kernel = name,
          .shape = {rows.count, rows.batch, rows.width},
          .grid = dim3(blocks_for(rows.count * rows.batch, 1, kManyBlocks)),
          .block = dim3(kThreads),
          .stream = stream},
         rows_kernel<Element, Function>, rows, function, to);
}

template <typename Format>
struct CopyIn {
  using Element = typename Format::Element;
  const float* from;
  const float* scale;
  __device__ Element operator()(std::int64_t, std::int64_t, std::int64_t element) const {
    return Format::from(scale == nullptr ? from[element] : from[element] * *scale);
  }
  __device__ Element otherwise(std::int64_t) const { return 0; }
};

template <typename Format>
struct CopyOut {
  const typename Format::Element* from;
  const float* scale;
  const float* other;
  __device__ float operator()(std::int64_t, std::int64_t, std::int64_t element) const {
    const float value = Format::to(from[element]);
    return scale == nullptr ? value : value / *scale;
  }
  __device__ float otherwise(std::int64_t element) const {
    return other == nullptr ? 0.0F : other[element];
  }
};

template <typename Format>
struct OneHot {
  using Element = typename Format::Element;
  const std::int32_t* ids;
  __device__ Element operator()(std::int64_t row, std::int64_t i, std::int64_t) const {
    return Format::from(ids[row] == i ? 1.0F : 0.0F);
  }
  __device__ Element otherwise(std::int64_t) const { return 0; }
};

// *largest = max(*largest, bits of |x| of the rows that count), the order of bits being that of
// magnitudes.
// Mapping: blocks take rows in turn, threads their elements; a maximum per warp.
// Memory: x once, one atomic per warp; no shared memory.
// Numerics: exact; a NaN is larger than all numbers.
// Limits: blocks are whole warps; any number of rows, any width.
__global__ void largest_kernel(Rows rows, const float* x, unsigned* largest) {
  unsigned most = 0;
  const std::int64_t count = rows.count * rows.batch;
  for (std::int64_t row = blockIdx.x; row < count; row += gridDim.x) {
    if (!counts(rows, row)) continue;
    for (std::int64_t i = threadIdx.x; i < rows.width; i += blockDim.x) {
      const unsigned bits = __float_as_uint(x[row * rows.width + i]) & 0x7FFFFFFFU;
      most = bits > most ? bits : most;
    }
  }
  most = __reduce_max_sync(kWarp, most);
  if (threadIdx.x % 32 == 0) atomicMax(largest, most);
}

// *scale, so far the bits of a magnitude, becomes the power of two that brings it into [1/2, 1).
// Mapping: one thread.
// Memory: one word.
// Numerics: exact, from the exponent; infinities and NaN get the smallest scale.
// Limits: exponents are bounded so that scale and 1 / scale are normal.
__global__ void scale_kernel(float* scale) {
  const unsigned bits = __float_as_uint(*scale);
  int exponent = bits == 0 ? 0 : 126 - static_cast<int>(bits >> 23);
  exponent = exponent > kLargestExponent ? kLargestExponent : exponent;
  exponent = exponent < -kLargestExponent ? -kLargestExponent : exponent;
  *scale = __uint_as_float(static_cast<unsigned>(exponent + 127) << 23);
}

void find_largest(const RowArray& array, float* largest, cudaStream_t stream) {
  if (array.data == nullptr) return;
  const Rows& rows = array.rows;
  launch({.kernel = "find_scale",
          .shape = {rows.count, rows.batch, rows.width},
          .grid = dim3(blocks_for(rows.count * rows.batch, 1, kManyBlocks)),
          .block = dim3(kThreads),
          .stream = stream},
         largest_kernel, rows, array.data, reinterpret_cast<unsigned*>(largest));
}

}  // namespace

void copy_rows_in(const Rows& rows, const float* from, const float* scale, void* to,
                  Precision precision, cudaStream_t stream) {
  with_format(precision, [&]<typename Format>(Format) {
    launch_rows("copy_rows_in", rows, CopyIn<Format>{from, scale},
                static_cast<typename Format::Element*>(to), stream);
  });
}

void copy_rows_out(const Rows& rows, const RowsOut& args, Precision precision,
                   cudaStream_t stream) {
  with_format(precision, [&]<typename Format>(Format) {
    const auto* from = static_cast<const typename Format::Element*>(args.from);
    launch_rows("copy_rows_out", rows, CopyOut<Format>{from, args.scale, args.otherwise}, args.to,
                stream);
  });
}

void one_hot_rows(const Rows& rows, const std::int32_t* ids, void* to, Precision precision,
                  cudaStream_t stream) {
  with_format(precision, [&]<typename Format>(Format) {
    launch_rows("one_hot_rows", rows, OneHot<Format>{ids},
                static_cast<typename Format::Element*>(to), stream);
  });
}

void find_scale(const RowArray& first, const RowArray& second, float* scale, cudaStream_t stream) {
  fill(scale, 1, 0.0F, stream);
  find_largest(first, scale, stream);
  find_largest(second, scale, stream);
  launch(
      {.kernel = "find_scale", .shape = {1}, .grid = dim3(1), .block = dim3(1), .stream = stream},
      scale_kernel, scale);
}

}  // namespace cadenza::kernels
