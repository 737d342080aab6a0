// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backend/cuda/gemm.h"
#include "backend/cuda/handles.h"
#include "backend/cuda/memory_pool.h"
#include "backend/cuda/staging.h"
#include "cadenza/backend.h"

namespace cadenza {

/// Every operation on one NVIDIA GPU, in order on one stream: the kernels of kernels/ and cuBLASLt.
/// f32 arrays; products in the precision of the options.
class CudaBackend : public Backend {
 public:
  /// ArgumentError for a precision other than fp32, tf32 and bf16, DeviceError without a GPU.
  explicit CudaBackend(const BackendOptions& options);
  ~CudaBackend() override;

  std::string_view name() const override { return "cuda"; }
  std::string description() const override;
  bool supports(DType dtype) const override { return dtype == DType::f32; }
  void* allocate(std::size_t bytes) override;
  void release(void* data) noexcept override;
  void synchronize() override;
  void submit(const std::function<void()>& operations) override;
  /// Where everything is computed, in order; for timing events around it.
  cudaStream_t stream() const { return stream_.get(); }

 protected:
  Precision precision() const { return precision_; }
  cuda::MemoryPool& pool() { return pool_; }
  cuda::Gemm& gemm() { return gemm_; }
  bool capturing() const { return capturing_; }

  std::size_t do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                         std::int64_t batch, DType dtype) const override;
  void do_recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) override;
  void do_recurrent_backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args) override;

 private:
  /// Captures `operations` into a graph that replaces what `exec` held.
  void record(cuda::GraphExec& exec, const std::function<void()>& operations);
  void multiply(const kernels::Product& product, SumOrder order);

  void do_upload(std::span<const std::byte> from, const TensorView& to) override;
  void do_download(const TensorView& from, std::span<std::byte> to) override;
  void do_copy(const TensorView& from, const TensorView& to) override;
  void do_fill(const TensorView& to, double value) override;
  void do_matmul(const MatmulArgs& args) override;
  void do_add(const TensorView& x, const TensorView& y, double alpha) override;
  void do_add_column_sums(const TensorView& x, const TensorView& y) override;
  void do_scale_rows(const TensorView& x, const TensorView& factors) override;
  void do_copy_columns(const CopyColumnsArgs& args) override;
  void do_activation(const ActivationArgs& args) override;
  void do_activation_backward(const ActivationBackwardArgs& args) override;
  void do_dropout(const DropoutArgs& args) override;
  void do_embedding(const EmbeddingArgs& args) override;
  void do_embedding_backward(const EmbeddingBackwardArgs& args) override;
  void do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) override;
  void do_attention(const AttentionArgs& args) override;
  void do_attention_backward(const AttentionBackwardArgs& args) override;
  void do_softmax_loss(const SoftmaxLossArgs& args) override;
  void do_bernoulli_loss(const BernoulliLossArgs& args) override;
  void do_squared_loss(const SquaredLossArgs& args) override;
  void do_nade_loss(const NadeLossArgs& args) override;
  void do_sample_tokens(const SampleTokensArgs& args) override;
  void do_sample_keys(const SampleKeysArgs& args) override;
  void do_sample_nade(const SampleNadeArgs& args) override;
  void do_squared_norm(const TensorView& x, const TensorView& out) override;
  void do_update(const UpdateArgs& args) override;
  GenerationPlan do_plan_generation(const GenerationNetwork& network,
                                    std::int64_t batch) const override;
  void do_generate(const GenerateArgs& args) override;

  Precision precision_;
  cuda::Stream stream_;
  cuda::MemoryPool pool_;
  cuda::Staging staging_;
  cuda::Gemm gemm_;
  cuda::GraphExec submitted_;   // of the last submit(), kept to be updated
  cuda::GraphExec generation_;  // steps of the last generate()
  bool capturing_ = false;
};

}  // namespace cadenza
