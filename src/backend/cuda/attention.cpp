// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention.h"

#include "backend/cuda/cuda_backend.h"

namespace cadenza {
namespace {

kernels::Attention call_of(const AttentionArgs& args) {
  return {.kind = args.kind,
          .steps = args.queries.shape[0],
          .batch = args.queries.shape[1],
          .memory = args.keys.shape[0],
          .width = args.queries.shape[2],
          .value_width = args.values.shape[2],
          .queries = args.queries.as<float>(),
          .keys = args.keys.as<float>(),
          .values = args.values.as<float>(),
          .lengths = args.lengths.as<std::int32_t>(),
          .v = args.v.as<float>(),
          .scale = static_cast<float>(args.scale),
          .context = args.context.as<float>(),
          .weights = args.weights.as<float>()};
}

}  // namespace

void CudaBackend::do_attention(const AttentionArgs& args) {
  kernels::attention(call_of(args), stream());
}

void CudaBackend::do_attention_backward(const AttentionBackwardArgs& args) {
  const bool additive = args.forward.kind == AttentionKind::additive;
  const std::int64_t parts = additive ? args.d_queries.count() : 0;
  const cuda::Scratch<float> d_scores(pool(),
                                      static_cast<std::size_t>(args.forward.weights.count()));
  const cuda::Scratch<float> d_v_parts(pool(), static_cast<std::size_t>(parts));
  kernels::attention_backward(call_of(args.forward),
                              {.d_context = args.d_context.as<float>(),
                               .d_queries = args.d_queries.as<float>(),
                               .d_keys = args.d_keys.as<float>(),
                               .d_values = args.d_values.as<float>(),
                               .d_v_parts = d_v_parts.get(),
                               .d_scores = d_scores.get()},
                              stream());
  if (parts == 0) return;
  const std::int64_t width = args.d_v.count();
  do_add_column_sums({d_v_parts.get(), {parts / width, width}, DType::f32}, args.d_v);
}

}  // namespace cadenza
