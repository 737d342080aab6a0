// SPDX-License-Identifier: Apache-2.0
#include "generate/conditioned_network.h"

namespace cadenza {

ConditionedNetwork::ConditionedNetwork(const LanguageModel& model, std::int32_t label)
    : network_(model.network()) {
  const LanguageModelConfig& config = model.config();
  if (config.labels == 0) return;
  Backend& backend = model.backend();
  RecurrentWeights& first = network_.layers.front();
  const DType dtype = first.w_ih.dtype;
  const std::int64_t rows = first.w_ih.shape[0];
  const std::int64_t inputs = config.input_width();
  w_ih_ = Tensor(backend, {rows, inputs}, dtype);
  backend.copy_columns({.x = first.w_ih, .y = w_ih_, .count = inputs});
  const Tensor of_label(backend, {rows, config.label_embedding}, dtype);
  backend.copy_columns(
      {.x = first.w_ih, .y = of_label, .x_begin = inputs, .count = config.label_embedding});
  // b + l W' for the label's embedding l.
  b_ih_ = Tensor(backend, {1, rows}, dtype);
  backend.matmul({.a = model.parameters().value("label_embedding.weight").slice(label, 1),
                  .b = of_label,
                  .c = b_ih_,
                  .transpose_b = Transpose::yes,
                  .bias = first.b_ih,
                  .order = SumOrder::fixed});
  first.w_ih = w_ih_;
  first.b_ih = b_ih_.view().reshaped({rows});
}

}  // namespace cadenza
