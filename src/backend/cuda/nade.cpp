// SPDX-License-Identifier: Apache-2.0
#include "kernels/nade.h"

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/noise_rows.h"
#include "kernels/nade_gradients.h"

namespace cadenza {
namespace {

kernels::NadeWeights weights_of(const TensorView& w, const TensorView& u) {
  return {.keys = w.shape[0], .units = w.shape[1], .w = w.as<float>(), .u = u.as<float>()};
}

}  // namespace

void CudaBackend::do_nade_loss(const NadeLossArgs& args) {
  const kernels::NadeWeights weights = weights_of(args.w, args.u);
  const std::int64_t rows = args.row_loss.count();
  {
    const cuda::Scratch<float> scratch(
        pool(), static_cast<std::size_t>(kernels::nade_row_scratch(rows, weights.units)));
    kernels::nade_loss({.rows = rows,
                        .weights = weights,
                        .targets = args.targets.as<float>(),
                        .visible_bias = args.visible_bias.as<float>(),
                        .hidden_bias = args.hidden_bias.as<float>(),
                        .row_weights = args.weights.as<float>(),
                        .row_loss = args.row_loss.as<float>(),
                        .d_visible_bias = args.d_visible_bias.as<float>(),
                        .scale = static_cast<float>(args.scale),
                        .scratch = scratch.get()},
                       stream());
  }
  if (args.d_visible_bias.empty()) return;
  const cuda::Scratch<float> scratch(
      pool(), static_cast<std::size_t>(kernels::nade_gradient_scratch(rows, weights)));
  kernels::nade_gradients({.rows = rows,
                           .weights = weights,
                           .targets = args.targets.as<float>(),
                           .hidden_bias = args.hidden_bias.as<float>(),
                           .d_visible_bias = args.d_visible_bias.as<float>(),
                           .d_hidden_bias = args.d_hidden_bias.as<float>(),
                           .d_w = args.d_w.as<float>(),
                           .d_u = args.d_u.as<float>(),
                           .scratch = scratch.get()},
                          stream());
}

void CudaBackend::do_sample_nade(const SampleNadeArgs& args) {
  const kernels::NadeWeights weights = weights_of(args.w, args.u);
  const std::int64_t rows = args.keys.shape[0];
  const cuda::Scratch<float> scratch(
      pool(), static_cast<std::size_t>(kernels::nade_row_scratch(rows, weights.units)));
  kernels::sample_nade({.rows = rows,
                        .weights = weights,
                        .visible_bias = args.visible_bias.as<float>(),
                        .hidden_bias = args.hidden_bias.as<float>(),
                        .noise = cuda::noise_rows(args.rows),
                        .keys = args.keys.as<float>(),
                        .log_probability = args.log_probability.as<float>(),
                        .scratch = scratch.get()},
                       stream());
}

}  // namespace cadenza
