// SPDX-License-Identifier: Apache-2.0
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "backend/cuda/gemm.h"
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"

// Takes the place of gemm_cublas.cpp where kernels are emulated: a kernel of one thread, so that
// the memory of the device is open to it and the order of the stream holds.

namespace cadenza::cuda {
namespace {

using kernels::Product;

float load(const void* data, std::int64_t i, Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return static_cast<const float*>(data)[i];
    case Precision::tf32:
      return __uint_as_float(kernels::to_tf32(static_cast<const float*>(data)[i]));
    case Precision::bf16:
      return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[i]);
    case Precision::fp16:
      return __half2float(static_cast<const __half*>(data)[i]);
    case Precision::int24:
    case Precision::int16:
    case Precision::int8:
      break;
  }
  return 0.0F;
}

/// op(x) as an array of f32 [rows, columns] on the host.
std::vector<float> unpack(const void* data, Transpose transpose, std::int64_t rows,
                          std::int64_t columns, std::int64_t stride, Precision precision) {
  const bool flip = transpose == Transpose::yes;
  if (stride == 0) stride = flip ? rows : columns;
  std::vector<float> values(static_cast<std::size_t>(rows * columns));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      values[static_cast<std::size_t>(r * columns + c)] =
          load(data, flip ? c * stride + r : r * stride + c, precision);
    }
  }
  return values;
}

void product_kernel(Product product) {
  const auto [m, n, k] = std::tuple(product.m, product.n, product.k);
  const std::vector<float> a =
      unpack(product.a, product.transpose_a, m, k, product.stride_a, product.precision);
  const std::vector<float> b =
      unpack(product.b, product.transpose_b, k, n, product.stride_b, product.precision);
  const std::int64_t stride = product.stride_c == 0 ? n : product.stride_c;
  std::vector<double> sums(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < m; ++i) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::int64_t l = 0; l < k; ++l) {
      const double factor = a[static_cast<std::size_t>(i * k + l)];
      const float* row = b.data() + l * n;
      for (std::int64_t j = 0; j < n; ++j) sums[static_cast<std::size_t>(j)] += factor * row[j];
    }
    for (std::int64_t j = 0; j < n; ++j) {
      float& c = product.c[i * stride + j];
      double sum = sums[static_cast<std::size_t>(j)];
      if (product.bias != nullptr) sum += product.bias[j];
      if (product.accumulate == Accumulate::add) sum += c;
      c = static_cast<float>(sum);
    }
  }
}

}  // namespace

class Gemm::Implementation {
 public:
  explicit Implementation(cudaStream_t stream) : stream_(stream) {}

  void run(const Product& product) {
    if (product.m == 0 || product.n == 0) return;
    kernels::launch({.kernel = "gemm",
                     .shape = {product.m, product.n, product.k},
                     .grid = dim3(1),
                     .block = dim3(1),
                     .stream = stream_},
                    product_kernel, product);
  }

 private:
  cudaStream_t stream_;
};

Gemm::Gemm(cudaStream_t stream, MemoryPool&)
    : implementation_(std::make_unique<Implementation>(stream)) {}

Gemm::~Gemm() = default;

void Gemm::run(const Product& product) { implementation_->run(product); }

}  // namespace cadenza::cuda
