// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "backend/cpu/generation_rows.h"
#include "backend/reference/reference_backend.h"

// The last phase of a step: a row's token or frame from its logits.

namespace cadenza::cpu {
namespace {

using Head = GenerationNetwork::Head;

/// Rows [row, row + 1) of what a draw is addressed by.
DrawRows row_of(const DrawRows& rows, std::int64_t row) {
  return {rows.seed, rows.params.slice(row, 1), rows.sequences.slice(row, 1),
          rows.steps.slice(row, 1)};
}

/// Element [step, row] of a [T, B] array, or null.
template <typename T>
T* element(const TensorView& view, std::int64_t step, std::int64_t row) {
  return view.empty() ? nullptr : view.as<T>() + step * view.shape[1] + row;
}

/// A window forgets its oldest token.
void remember(const TensorView& window, std::int64_t row, std::int32_t token) {
  if (window.empty() || window.shape[1] == 0) return;
  std::int32_t* const begin = window.as<std::int32_t>() + row * window.shape[1];
  std::int32_t* const last = begin + window.shape[1] - 1;
  std::copy(begin + 1, last + 1, begin);
  *last = token;
}

}  // namespace

void GenerationRows::draw(std::int64_t step, std::int64_t row, GenerationWorkspace& workspace) {
  if (args_.network->head == Head::softmax) {
    draw_token(step, row, workspace.sample);
  } else {
    draw_frame(step, row, workspace.nade);
  }
  ++args_.rows.steps.as<std::int32_t>()[range_.begin + row];
}

void GenerationRows::draw_token(std::int64_t step, std::int64_t row, SampleScratch& scratch) {
  const std::int64_t b = range_.begin + row;
  const auto vocabulary = static_cast<std::size_t>(args_.network->width);
  std::int32_t& token = *element<std::int32_t>(args_.tokens, step, b);
  float* const log_probability = element<float>(args_.log_probability, step, b);
  SampleResult result{.token = -1};
  if (finished_[row] == 0) {
    const Dense& last = dense_.back();
    SampleRow from{
        .logits = {last.out + row * last.weights->width(), vocabulary},
        .seed = args_.rows.seed,
        .sequence = static_cast<std::uint64_t>(args_.rows.sequences.as<std::int64_t>()[b]),
        .step = static_cast<std::uint32_t>(args_.rows.steps.as<std::int32_t>()[b]),
        .scores = log_probability != nullptr};
    std::memcpy(&from.params, args_.rows.params.at(b).data, sizeof from.params);
    if (!args_.bias.empty()) from.bias = {args_.bias.as<float>(), vocabulary};
    if (!args_.allowed.empty()) {
      const std::int64_t words = args_.allowed.shape[1];
      from.allowed = {static_cast<const std::uint32_t*>(args_.allowed.data) + b * words,
                      static_cast<std::size_t>(words)};
    }
    if (!args_.window.empty()) {
      const std::int64_t slots = args_.window.shape[1];
      from.window = {args_.window.as<std::int32_t>() + b * slots, static_cast<std::size_t>(slots)};
    }
    result = draw_row(from, scratch);
    remember(args_.window, b, result.token);
    if (args_.end_token >= 0 && result.token == args_.end_token) finished_[row] = 1;
  }
  token = result.token;
  args_.input.as<std::int32_t>()[b] = result.token;
  if (log_probability != nullptr) *log_probability = result.log_probability;
}

void GenerationRows::draw_frame(std::int64_t step, std::int64_t row, float* scratch) const {
  const std::int64_t b = range_.begin + row;
  const std::int64_t keys = args_.network->width;
  float* const frame = args_.frames.as<float>() + (step * args_.frames.shape[1] + b) * keys;
  float* const log_probability = element<float>(args_.log_probability, step, b);
  const auto row_view = [](float* data, std::int64_t count) {
    return data == nullptr ? TensorView() : TensorView{data, {1, count}, DType::f32};
  };
  const auto output = [&](const Dense& dense) {
    return row_view(dense.out + row * dense.weights->width(), dense.weights->outputs);
  };
  const TensorView score =
      log_probability == nullptr ? TensorView() : TensorView{log_probability, {1}, DType::f32};
  if (weights_.nade_hidden) {
    sample_nade_rows({.visible_bias = output(dense_[dense_.size() - 2]),
                      .hidden_bias = output(dense_.back()),
                      .w = args_.network->nade_w,
                      .u = args_.network->nade_u,
                      .rows = row_of(args_.rows, b),
                      .keys = row_view(frame, keys),
                      .log_probability = score},
                     weights_.nade, {0, 1, scratch, nullptr, nullptr});
  } else {
    reference::sample_keys({.logits = output(dense_.back()),
                            .rows = row_of(args_.rows, b),
                            .keys = row_view(frame, keys),
                            .log_probability = score});
  }
  std::copy_n(frame, keys, args_.input.as<float>() + b * keys);
  encode_input(row);
}

}  // namespace cadenza::cpu
