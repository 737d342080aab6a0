// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/cudnn_plan.h"

namespace cadenza {

/// The cuda backend with sequences of recurrent layers computed by cuDNN. In fp16 that holds for
/// these layers alone: everything else is computed in tf32, which has as many bits of fraction and
/// cannot overflow or lose the small gradients of a loss.
class CudnnBackend final : public CudaBackend {
 public:
  /// DeviceError without a GPU, or in bf16 with a cuDNN that lacks it.
  explicit CudnnBackend(const BackendOptions& options);
  ~CudnnBackend() override;

  std::string_view name() const override { return "cudnn"; }
  std::string description() const override;
  std::vector<std::string> decisions() const override;

 private:
  std::size_t do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                         std::int64_t batch, DType dtype) const override;
  void do_recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) override;
  void do_recurrent_backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args) override;

  Precision rnn_precision_;
  cuda::CudnnHandle handle_;
  mutable cuda::CudnnPlanner planner_;  // remembers
};

}  // namespace cadenza
