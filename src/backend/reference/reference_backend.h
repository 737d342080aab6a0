// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cadenza/backend.h"

namespace cadenza {

namespace reference {
/// Backend::sample_keys() on the calling thread.
void sample_keys(const SampleKeysArgs& args);
}  // namespace reference

/// Every operation as plain loops over host memory, in f32 or f64, with sums in double: the meaning
/// of the contract, and the measure of all other backends, with which it shares no arithmetic. Ids,
/// targets and lengths outside their range are an ArgumentError here.
class ReferenceBackend : public Backend {
 public:
  explicit ReferenceBackend(const BackendOptions& = {}) {}

  std::string_view name() const override { return "reference"; }
  std::string description() const override { return "reference: plain loops, one thread"; }
  bool supports(DType dtype) const override { return dtype == DType::f32 || dtype == DType::f64; }
  void* allocate(std::size_t bytes) override;
  void release(void* data) noexcept override;

 protected:
  /// results[i] = sample_row(rows[i]).
  virtual void draw_rows(std::span<const SampleRow> rows, std::span<SampleResult> results);

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
  std::size_t do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                         std::int64_t batch, DType dtype) const override;
  void do_recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) override;
  void do_recurrent_backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args) override;
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
};

}  // namespace cadenza
