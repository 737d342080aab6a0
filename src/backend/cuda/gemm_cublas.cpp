// SPDX-License-Identifier: Apache-2.0
#include <cublasLt.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "backend/cuda/cuda_check.h"
#include "backend/cuda/gemm.h"
#include "backend/cuda/handles.h"

// cuBLASLt is column-major. A row-major array is the transpose of the column-major one in the same
// memory, so c^T = op(b)^T op(a)^T is asked for: b is cuBLASLt's A, a its B, and N its number of
// rows, along which its bias runs.

namespace cadenza::cuda {
namespace {

using kernels::Product;

constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

void throw_if_failed(cublasStatus_t status, const char* call, const Product& product) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError(message(call, " failed: ", cublasLtGetStatusName(status),
                            " for a product of M=", product.m, ", N=", product.n, ", K=", product.k,
                            " in ", name_of(product.precision)));
}

using Handle = UniqueHandle<cublasLtHandle_t, cublasLtDestroy>;
using Operation = UniqueHandle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = UniqueHandle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = UniqueHandle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

/// Factors and computation of a precision.
struct Types {
  cudaDataType_t factors;
  cublasComputeType_t compute;
};

Types types_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return {CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case Precision::tf32:
      return {CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
    case Precision::bf16:
      return {CUDA_R_16BF, CUBLAS_COMPUTE_32F};
    case Precision::fp16:
      return {CUDA_R_16F, CUBLAS_COMPUTE_32F};
    case Precision::int24:
    case Precision::int16:
    case Precision::int8:
      break;
  }
  return {};
}

/// The largest power of two up to 256 that divides the address.
std::uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  return static_cast<std::uint32_t>(std::min<std::uintptr_t>(address & (~address + 1), 256));
}

/// An array that is row-major [rows, columns] in memory.
Layout make_layout(const Product& product, cudaDataType_t type, std::int64_t rows,
                   std::int64_t columns, std::int64_t stride) {
  cublasLtMatrixLayout_t layout = nullptr;
  throw_if_failed(
      cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(columns),
                                 static_cast<std::uint64_t>(rows), stride == 0 ? columns : stride),
      "cublasLtMatrixLayoutCreate", product);
  return Layout(layout);
}

template <typename Value>
void set(const Product& product, const Operation& operation, cublasLtMatmulDescAttributes_t name,
         const Value& value) {
  throw_if_failed(cublasLtMatmulDescSetAttribute(operation.get(), name, &value, sizeof value),
                  "cublasLtMatmulDescSetAttribute", product);
}

template <typename Value>
void set(const Product& product, const Preference& preference,
         cublasLtMatmulPreferenceAttributes_t name, const Value& value) {
  throw_if_failed(
      cublasLtMatmulPreferenceSetAttribute(preference.get(), name, &value, sizeof value),
      "cublasLtMatmulPreferenceSetAttribute", product);
}

/// A product as cuBLASLt wants it described; the pointer of the bias is set at each call.
struct Plan {
  Operation operation;
  Layout a, b, c;
  cublasLtMatmulAlgo_t algorithm;
};

Plan describe(const Product& product) {
  const Types types = types_of(product.precision);
  const bool flip_a = product.transpose_a == Transpose::yes;
  const bool flip_b = product.transpose_b == Transpose::yes;
  Plan plan = {.operation = {},
               .a = make_layout(product, types.factors, flip_a ? product.k : product.m,
                                flip_a ? product.m : product.k, product.stride_a),
               .b = make_layout(product, types.factors, flip_b ? product.n : product.k,
                                flip_b ? product.k : product.n, product.stride_b),
               .c = make_layout(product, CUDA_R_32F, product.m, product.n, product.stride_c),
               .algorithm = {}};
  cublasLtMatmulDesc_t operation = nullptr;
  throw_if_failed(cublasLtMatmulDescCreate(&operation, types.compute, CUDA_R_32F),
                  "cublasLtMatmulDescCreate", product);
  plan.operation = Operation(operation);
  const cublasOperation_t op_a = flip_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t op_b = flip_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  set(product, plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, op_a);
  set(product, plan.operation, CUBLASLT_MATMUL_DESC_TRANSB, op_b);
  if (product.bias != nullptr) {
    set(product, plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(product, plan.operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_32F);
    set(product, plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
  }
  return plan;
}

/// The first algorithm that cuBLASLt recommends. Partial sums are never added in place, where their
/// order could vary.
cublasLtMatmulAlgo_t choose(cublasLtHandle_t handle, const Plan& plan, const Product& product) {
  cublasLtMatmulPreference_t made = nullptr;
  throw_if_failed(cublasLtMatmulPreferenceCreate(&made), "cublasLtMatmulPreferenceCreate", product);
  const Preference preference(made);
  set(product, preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
  const std::uint32_t reductions =
      CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
  set(product, preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reductions);
  set(product, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(product.b));
  set(product, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(product.a));
  set(product, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(product.c));
  set(product, preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(product.c));
  cublasLtMatmulHeuristicResult_t result = {};
  int found = 0;
  throw_if_failed(cublasLtMatmulAlgoGetHeuristic(handle, plan.operation.get(), plan.b.get(),
                                                 plan.a.get(), plan.c.get(), plan.c.get(),
                                                 preference.get(), 1, &result, &found),
                  "cublasLtMatmulAlgoGetHeuristic", product);
  if (found == 0) throw_if_failed(CUBLAS_STATUS_NOT_SUPPORTED, "cuBLASLt", product);
  return result.algo;
}

/// Everything that a plan depends on.
auto key_of(const Product& product) {
  return std::tuple(product.m, product.n, product.k, product.transpose_a, product.transpose_b,
                    product.bias != nullptr, product.precision, product.stride_a, product.stride_b,
                    product.stride_c, alignment_of(product.a), alignment_of(product.b),
                    alignment_of(product.c));
}

}  // namespace

class Gemm::Implementation {
 public:
  Implementation(cudaStream_t stream, MemoryPool& pool)
      : stream_(stream), workspace_(pool, kWorkspaceBytes) {
    cublasLtHandle_t handle = nullptr;
    throw_if_failed(cublasLtCreate(&handle), "cublasLtCreate", {});
    handle_ = Handle(handle);
  }

  void run(const Product& product) {
    if (product.m == 0 || product.n == 0) return;
    const auto key = key_of(product);
    auto entry = plans_.find(key);
    if (entry == plans_.end()) {
      Plan made = describe(product);
      made.algorithm = choose(handle_.get(), made, product);
      entry = plans_.emplace(key, std::move(made)).first;
    }
    const Plan& plan = entry->second;
    if (product.bias != nullptr) {
      set(product, plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
    }
    const float alpha = 1.0F;
    const float beta = product.accumulate == Accumulate::add ? 1.0F : 0.0F;
    throw_if_failed(
        cublasLtMatmul(handle_.get(), plan.operation.get(), &alpha, product.b, plan.b.get(),
                       product.a, plan.a.get(), &beta, product.c, plan.c.get(), product.c,
                       plan.c.get(), &plan.algorithm, workspace_.get(), kWorkspaceBytes, stream_),
        "cublasLtMatmul", product);
  }

 private:
  cudaStream_t stream_;
  Scratch<std::byte> workspace_;
  Handle handle_;
  std::map<decltype(key_of({})), Plan> plans_;
};

Gemm::Gemm(cudaStream_t stream, MemoryPool& pool)
    : implementation_(std::make_unique<Implementation>(stream, pool)) {}

Gemm::~Gemm() = default;

void Gemm::run(const Product& product) { implementation_->run(product); }

}  // namespace cadenza::cuda
