// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cuda_backend.h"

#include <cuda_runtime_api.h>

#include <cstring>

#include "backend/cuda/cuda_check.h"
#include "kernels/convert.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"

// Memory, transfers, products and graphs. The other operations stand in files of their families.

namespace cadenza {
namespace {

Precision accepted(Precision precision) {
  check(precision != Precision::fp16, "backend 'cuda' computes in fp32, tf32 or bf16, not in ",
        name_of(precision));
  return precision;
}

cuda::Stream first_stream() {
  CADENZA_CUDA_CHECK(cudaSetDevice(0));
  return cuda::make_stream();
}

std::size_t count_of(const TensorView& view) { return static_cast<std::size_t>(view.count()); }

}  // namespace

CudaBackend::CudaBackend(const BackendOptions& options)
    : precision_(accepted(options.precision)),
      stream_(first_stream()),
      staging_(stream_.get()),
      gemm_(stream_.get(), pool_) {}

// What is queued may still use the members.
CudaBackend::~CudaBackend() { static_cast<void>(cudaStreamSynchronize(stream_.get())); }

std::string CudaBackend::description() const {
  cudaDeviceProp device = {};
  CADENZA_CUDA_CHECK(cudaGetDeviceProperties(&device, 0));
  return message(name(), ": ", device.name, ", compute capability ", device.major, ".",
                 device.minor, ", ", device.multiProcessorCount, " SMs, ",
                 device.totalGlobalMem >> 20, " MiB, ", name_of(precision_));
}

void* CudaBackend::allocate(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* data = pool_.allocate(bytes);
  CADENZA_CUDA_CHECK(cudaMemsetAsync(data, 0, bytes, stream()));
  return data;
}

void CudaBackend::release(void* data) noexcept {
  if (data != nullptr) pool_.release(data);
}

void CudaBackend::synchronize() { CADENZA_CUDA_CHECK(cudaStreamSynchronize(stream())); }

void CudaBackend::do_upload(std::span<const std::byte> from, const TensorView& to) {
  void* staged = staging_.take(from.size());
  std::memcpy(staged, from.data(), from.size());
  CADENZA_CUDA_CHECK(
      cudaMemcpyAsync(to.data, staged, from.size(), cudaMemcpyHostToDevice, stream()));
  if (!capturing_) staging_.fence();
}

void CudaBackend::do_download(const TensorView& from, std::span<std::byte> to) {
  check(!capturing_, "download: ", from.shape,
        " was asked for inside submit(), expected after it, when it has been computed");
  CADENZA_CUDA_CHECK(
      cudaMemcpyAsync(to.data(), from.data, to.size(), cudaMemcpyDeviceToHost, stream()));
  CADENZA_CUDA_CHECK(cudaStreamSynchronize(stream()));
}

void CudaBackend::do_copy(const TensorView& from, const TensorView& to) {
  CADENZA_CUDA_CHECK(
      cudaMemcpyAsync(to.data, from.data, from.bytes(), cudaMemcpyDeviceToDevice, stream()));
}

void CudaBackend::do_copy_columns(const CopyColumnsArgs& args) {
  const auto pitch = [](const TensorView& matrix) {
    return static_cast<std::size_t>(matrix.shape[1]) * sizeof(float);
  };
  CADENZA_CUDA_CHECK(cudaMemcpy2DAsync(
      args.y.as<float>() + args.y_begin, pitch(args.y), args.x.as<float>() + args.x_begin,
      pitch(args.x), static_cast<std::size_t>(args.count) * sizeof(float),
      static_cast<std::size_t>(args.x.shape[0]), cudaMemcpyDeviceToDevice, stream()));
}

void CudaBackend::do_fill(const TensorView& to, double value) {
  if (value == 0.0) {
    CADENZA_CUDA_CHECK(cudaMemsetAsync(to.data, 0, to.bytes(), stream()));
  } else if (to.dtype == DType::i32) {
    kernels::fill(to.as<std::int32_t>(), to.count(), static_cast<std::int32_t>(value), stream());
  } else {
    kernels::fill(to.as<float>(), to.count(), static_cast<float>(value), stream());
  }
}

void CudaBackend::do_matmul(const MatmulArgs& args) {
  const bool flip_a = args.transpose_a == Transpose::yes;
  kernels::Product product = {.m = args.c.shape[0],
                              .n = args.c.shape[1],
                              .k = args.a.shape[flip_a ? 0 : 1],
                              .a = args.a.data,
                              .b = args.b.data,
                              .c = args.c.as<float>(),
                              .transpose_a = args.transpose_a,
                              .transpose_b = args.transpose_b,
                              .bias = args.bias.as<float>(),
                              .accumulate = args.accumulate,
                              .precision = precision_};
  if (precision_ == Precision::bf16) {
    const cuda::Scratch<std::uint16_t> a(pool_, count_of(args.a));
    const cuda::Scratch<std::uint16_t> b(pool_, count_of(args.b));
    kernels::convert_to_bf16(args.a.as<float>(), a.get(), args.a.count(), stream());
    kernels::convert_to_bf16(args.b.as<float>(), b.get(), args.b.count(), stream());
    product.a = a.get();
    product.b = b.get();
    multiply(product, args.order);
  } else {
    multiply(product, args.order);
  }
}

void CudaBackend::multiply(const kernels::Product& product, SumOrder order) {
  if (order == SumOrder::fixed || product.k == 0) {
    kernels::matmul_fixed(product, stream());
  } else {
    gemm_.run(product);
  }
}

}  // namespace cadenza
