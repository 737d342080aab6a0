// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/noise_rows.h"
#include "kernels/sample.h"
#include "kernels/sample_keys.h"

namespace cadenza {

void CudaBackend::do_sample_tokens(const SampleTokensArgs& args) {
  const std::int64_t batch = args.logits.shape[0];
  const auto vocabulary = static_cast<std::int32_t>(args.logits.shape[1]);
  const cuda::Scratch<std::byte> workspace(pool(),
                                           kernels::sample_workspace_bytes(batch, vocabulary));
  kernels::sample_tokens({.batch = batch,
                          .vocabulary = vocabulary,
                          .row_stride = vocabulary,
                          .logits = args.logits.as<float>(),
                          .bias = args.bias.as<float>(),
                          .allowed = static_cast<const std::uint32_t*>(args.allowed.data),
                          .window = args.window.as<std::int32_t>(),
                          .window_slots = args.window.empty() ? 0 : args.window.shape[1],
                          .rows = cuda::noise_rows(args.rows),
                          .tokens = args.tokens.as<std::int32_t>(),
                          .log_probability = args.log_probability.as<float>(),
                          .raw_log_probability = args.raw_log_probability.as<float>(),
                          .entropy = args.entropy.as<float>(),
                          .status = args.status.as<std::int32_t>(),
                          .workspace = workspace.get()},
                         stream());
}

void CudaBackend::do_sample_keys(const SampleKeysArgs& args) {
  kernels::sample_keys({.batch = args.logits.shape[0],
                        .keys = args.logits.shape[1],
                        .logits = args.logits.as<float>(),
                        .rows = cuda::noise_rows(args.rows),
                        .frames = args.keys.as<float>(),
                        .log_probability = args.log_probability.as<float>()},
                       stream());
}

}  // namespace cadenza
