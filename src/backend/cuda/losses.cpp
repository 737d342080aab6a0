// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cuda_backend.h"
#include "kernels/elementwise_losses.h"
#include "kernels/softmax_loss.h"

namespace cadenza {

void CudaBackend::do_softmax_loss(const SoftmaxLossArgs& args) {
  kernels::softmax_loss({.rows = args.logits.shape[0],
                         .vocabulary = args.logits.shape[1],
                         .logits = args.logits.as<float>(),
                         .targets = args.targets.as<std::int32_t>(),
                         .weights = args.weights.as<float>(),
                         .row_loss = args.row_loss.as<float>(),
                         .d_logits = args.d_logits.as<float>(),
                         .scale = static_cast<float>(args.scale)},
                        stream());
}

void CudaBackend::do_bernoulli_loss(const BernoulliLossArgs& args) {
  kernels::bernoulli_loss({.rows = args.logits.shape[0],
                           .width = args.logits.shape[1],
                           .inputs = args.logits.as<float>(),
                           .targets = args.targets.as<float>(),
                           .weights = args.weights.as<float>(),
                           .row_loss = args.row_loss.as<float>(),
                           .d_inputs = args.d_logits.as<float>(),
                           .scale = static_cast<float>(args.scale)},
                          stream());
}

void CudaBackend::do_squared_loss(const SquaredLossArgs& args) {
  kernels::squared_loss({.rows = args.predictions.shape[0],
                         .width = args.predictions.shape[1],
                         .inputs = args.predictions.as<float>(),
                         .targets = args.targets.as<float>(),
                         .weights = args.weights.as<float>(),
                         .row_loss = args.row_loss.as<float>(),
                         .d_inputs = args.d_predictions.as<float>(),
                         .scale = static_cast<float>(args.scale)},
                        stream());
}

}  // namespace cadenza
