// SPDX-License-Identifier: Apache-2.0
// What the native peers share besides the products that are theirs: parameters, gates, loss, draw
// and Adam, as plain loops for a compiler to vectorise. Rows are split over OpenMP's threads.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/shapes.h"

namespace cadenza::bench {

/// Parameters of a record model, or their gradients, in one array. Gates are i, f, g, o.
class PlainParameters {
 public:
  explicit PlainParameters(const RecordModel& model);
  /// Uniform in (-0.05, 0.05), the same for every peer.
  void initialize();
  void clear();

  float* embedding() { return values_.data(); }                      // [V, H]
  float* w(std::int64_t layer) { return w_ + layer * 4 * h_ * h_; }  // [H, 4H] of L
  float* r(std::int64_t layer) { return r_ + layer * 4 * h_ * h_; }  // [H, 4H] of L
  float* b(std::int64_t layer) { return b_ + layer * 4 * h_; }       // [4H] of L
  float* dense() { return b_ + layers_ * 4 * h_; }                   // [H, V]
  float* bias() { return dense() + h_ * v_; }                        // [V]
  std::vector<float>& values() { return values_; }

 private:
  std::int64_t h_, v_, layers_;
  std::vector<float> values_;
  float *w_, *r_, *b_;
};

/// A batch in which ids walk through the vocabulary, as in training_bench.cpp; ids [T, B].
struct PlainBatch {
  PlainBatch(const RecordModel& model, const SequenceShape& shape);
  std::vector<std::int32_t> input, target;
};

/// Extents of a step.
struct PlainRows {
  std::int64_t batch, hidden;
};

/// to [n, width] = rows of `table` by `ids` [n].
void gather(const std::vector<std::int32_t>& ids, const float* table, std::int64_t width,
            float* to);
/// Adds rows [n, width] to those of `table` by `ids` [n].
void scatter_add(const std::vector<std::int32_t>& ids, const float* rows, std::int64_t width,
                 float* table);
/// to [n, width] = `row` [width] in each row.
void broadcast(const float* row, std::int64_t n, std::int64_t width, float* to);
/// sum [width] += the sum of rows [n, width].
void add_column_sums(const float* rows, std::int64_t n, std::int64_t width, float* sum);

/// gates [B, 4H] are replaced by what the gates let through; c [B, H] from c_before; h into rows
/// that are `stride` apart.
void lstm_forward_step(PlainRows rows, float* gates, const float* c_before, float* c, float* h,
                       std::int64_t stride);
/// From the gradient of h [B, H] and that of c, which is replaced by the one before the step: the
/// gradients of the gates [B, 4H], in place of what they let through.
void lstm_backward_step(PlainRows rows, float* gates, const float* c_before, const float* c,
                        const float* dh, float* dc);

/// A token a row from logits [B, V] at temperature 0.9, which are overwritten; `step` makes the
/// noise.
void draw(float* logits, std::int64_t vocabulary, std::uint64_t step,
          std::vector<std::int32_t>& tokens);
/// Mean cross-entropy; logits [n, V] are replaced by its gradient.
double cross_entropy(float* logits, std::int64_t vocabulary,
                     const std::vector<std::int32_t>& targets);

/// Adam at rate 1e-5, gradients clipped to norm 1.
class PlainAdam {
 public:
  explicit PlainAdam(std::size_t count) : m_(count), v_(count) {}
  void step(std::vector<float>& values, const std::vector<float>& gradients);

 private:
  std::vector<float> m_, v_;
  int steps_ = 0;
};

}  // namespace cadenza::bench
