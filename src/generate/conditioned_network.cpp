// SPDX-License-Identifier: Apache-2.0
#include "generate/conditioned_network.h"

#include "nn/host_copy.h"

namespace cadenza {
namespace {

/// One value as the model reads it, [1, E].
Tensor embed(const LanguageModel& model, const Condition& condition, const ConditionValue& value) {
  Backend& backend = model.backend();
  const TensorView weight = model.parameters().value(condition.parameter());
  Tensor read(backend, {1, condition.embedding}, weight.dtype);
  if (condition.kind != ConditionKind::histogram) {
    backend.copy(weight.slice(value.number, 1), read);
    return read;
  }
  const Tensor shares(backend, {1, condition.values}, weight.dtype);
  upload_real(backend, {value.shares.begin(), value.shares.end()}, shares);
  backend.matmul({.a = shares,
                  .b = weight,
                  .c = read,
                  .transpose_b = Transpose::yes,
                  .order = SumOrder::fixed});
  return read;
}

/// The values side by side, [1, C].
Tensor embed(const LanguageModel& model, std::span<const ConditionValue> values) {
  const LanguageModelConfig& config = model.config();
  Tensor told(model.backend(), {1, config.condition_width()}, model.parameters().dtype());
  std::int64_t column = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Tensor read = embed(model, config.conditions[i], values[i]);
    model.backend().copy_columns(
        {.x = read, .y = told, .y_begin = column, .count = config.conditions[i].embedding});
    column += config.conditions[i].embedding;
  }
  return told;
}

}  // namespace

ConditionedNetwork::ConditionedNetwork(const LanguageModel& model,
                                       std::span<const ConditionValue> values)
    : network_(model.network()) {
  if (values.empty()) return;
  Backend& backend = model.backend();
  const Tensor told = embed(model, values);
  RecurrentWeights& first = network_.layers.front();
  const DType dtype = first.w_ih.dtype;
  const std::int64_t rows = first.w_ih.shape[0];
  const std::int64_t inputs = model.config().input_width();
  const std::int64_t columns = model.config().condition_width();
  w_ih_ = Tensor(backend, {rows, inputs}, dtype);
  backend.copy_columns({.x = first.w_ih, .y = w_ih_, .count = inputs});
  const Tensor of_told(backend, {rows, columns}, dtype);
  backend.copy_columns({.x = first.w_ih, .y = of_told, .x_begin = inputs, .count = columns});
  // b + e W' for what is told, e.
  b_ih_ = Tensor(backend, {1, rows}, dtype);
  backend.matmul({.a = told,
                  .b = of_told,
                  .c = b_ih_,
                  .transpose_b = Transpose::yes,
                  .bias = first.b_ih,
                  .order = SumOrder::fixed});
  first.w_ih = w_ih_;
  first.b_ih = b_ih_.view().reshaped({rows});
}

}  // namespace cadenza
