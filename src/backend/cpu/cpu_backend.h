// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backend/cpu/dense.h"
#include "backend/reference/reference_backend.h"

namespace cadenza {

/// The reference with the operations that take time replaced by vectorised, threaded ones, f32
/// only. In fp32 all products sum in the fixed order of panel_gemm.h.
class CpuBackend : public ReferenceBackend {
 public:
  explicit CpuBackend(const BackendOptions& options);

  std::string_view name() const override { return "cpu"; }
  std::string description() const override;
  bool supports(DType dtype) const override { return dtype == DType::f32; }
  bool looks_ids_up() const override { return true; }

 protected:
  void do_matmul(const MatmulArgs& args) override;
  void do_recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) override;
  void do_recurrent_backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args) override;

  /// What training computes with.
  cpu::Workers workers();

  Precision precision_;
  cpu::ThreadPool pool_;
  cpu::Scratch scratch_;

 private:
  void draw_rows(std::span<const SampleRow> rows, std::span<SampleResult> results) override;
  void do_add(const TensorView& x, const TensorView& y, double alpha) override;
  void do_add_column_sums(const TensorView& x, const TensorView& y) override;
  void do_activation(const ActivationArgs& args) override;
  void do_activation_backward(const ActivationBackwardArgs& args) override;
  void do_dropout(const DropoutArgs& args) override;
  std::size_t do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                         std::int64_t batch, DType dtype) const override;
  void do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) override;
  void do_attention(const AttentionArgs& args) override;
  void do_attention_backward(const AttentionBackwardArgs& args) override;
  void do_softmax_loss(const SoftmaxLossArgs& args) override;
  void do_bernoulli_loss(const BernoulliLossArgs& args) override;
  void do_nade_loss(const NadeLossArgs& args) override;
  void do_sample_nade(const SampleNadeArgs& args) override;
  void do_squared_norm(const TensorView& x, const TensorView& out) override;
  void do_update(const UpdateArgs& args) override;
  GenerationPlan do_plan_generation(const GenerationNetwork& network,
                                    std::int64_t batch) const override;
  std::shared_ptr<const PreparedNetwork> do_prepare_generation(
      const GenerationNetwork& network) override;
  void do_generate(const GenerateArgs& args) override;
};

/// The same with the products of inference in another format of products.h: those of
/// recurrent layers and of rows with transposed weights. Layers are packed once a call. It trains
/// in int24 alone.
class NarrowCpuBackend final : public CpuBackend {
 public:
  using CpuBackend::CpuBackend;
  bool trains() const override { return precision_ == Precision::int24; }

 private:
  void do_matmul(const MatmulArgs& args) override;
  void do_recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) override;
  void do_recurrent_backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args) override;
  void do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) override;
};

}  // namespace cadenza
