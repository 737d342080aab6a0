// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/dense.h"
#include "backend/cpu/simd_targets.h"
#include "cadenza/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/attention.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/vector_math-inl.h"

// Attention (formulas and sources: backend/reference/attention.cpp) row by row of the batch, each
// on one thread: five products of panel_gemm.h between the T queries of a row and its memory, with
// what is not a product in between. No sum depends on threads or instruction set.

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// y = e^(scale * (x - maximum)), elementwise.
void exponentials(const float* x, float maximum, float scale, float* y, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto below = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, maximum));
    hn::StoreU(Exp(d, hn::Mul(hn::Set(d, scale), below)), d, y + i);
  });
}

/// scores [S] = sum over a of v_a * tanh(query_a + keys[a, s]); keys [A, S], S a multiple of 16.
void additive_scores(const float* query, const float* keys, const float* v, std::int64_t width,
                     std::int64_t memory, float* scores) {
  for_each_vector(memory, [&](auto d, std::int64_t s) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (std::int64_t a = 0; a < width; ++a) {
      const auto key = hn::LoadU(d, keys + a * memory + s);
      sum = Fma(d, hn::Set(d, v[a]), Tanh(d, hn::Add(hn::Set(d, query[a]), key)), sum);
    }
    hn::StoreU(sum, d, scores + s);
  });
}

/// What one score's gradient adds to those of its query, its key and v, [A] each.
void additive_gradient(float d_score, const float* query, const float* key, const float* v,
                       std::int64_t width, float* d_query, float* d_key, float* d_v) {
  for_each_vector(width, [&](auto d, std::int64_t a) HWY_ATTR {
    const auto gradient = hn::Set(d, d_score);
    const auto y = Tanh(d, hn::Add(hn::LoadU(d, query + a), hn::LoadU(d, key + a)));
    const auto d_sum = hn::Mul(hn::Mul(gradient, hn::LoadU(d, v + a)), tanh_slope(d, y));
    hn::StoreU(Fma(d, gradient, y, hn::LoadU(d, d_v + a)), d, d_v + a);
    hn::StoreU(hn::Add(hn::LoadU(d, d_query + a), d_sum), d, d_query + a);
    hn::StoreU(hn::Add(hn::LoadU(d, d_key + a), d_sum), d, d_key + a);
  });
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza {
namespace cpu {
HWY_EXPORT(exponentials);
HWY_EXPORT(additive_scores);
HWY_EXPORT(additive_gradient);

namespace {

/// One row of the batch of an array [N, B, K], as a matrix [rows, K].
Matrix row_of(const TensorView& view, std::int64_t b, std::int64_t rows) {
  const std::int64_t width = view.shape[2];
  return {view.as<float>() + b * width, rows, width, view.shape[1] * width, 1};
}
Output output_of(const TensorView& view, std::int64_t b) {
  const std::int64_t width = view.shape[2];
  return {view.as<float>() + b * width, view.shape[1] * width};
}
/// The first `columns` columns.
Matrix first_columns(Matrix matrix, std::int64_t columns) {
  matrix.columns = columns;
  return matrix;
}
Matrix transposed(const Matrix& m) {
  return {m.data, m.columns, m.rows, m.column_stride, m.row_stride};
}
void fill_rows(const TensorView& view, std::int64_t b, Range rows) {
  const Output out = output_of(view, b);
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    std::fill_n(out.data + i * out.stride, view.shape[2], 0.0F);
  }
}

std::int64_t padded(std::int64_t count) { return (count + 15) / 16 * 16; }

/// x = softmax(scale * x).
void softmax(float* x, std::int64_t count, float scale) {
  const float maximum = *std::max_element(x, x + count);
  HWY_DYNAMIC_DISPATCH(exponentials)(x, maximum, scale, x, count);
  double sum = 0.0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]);
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] = static_cast<float>(static_cast<double>(x[i]) / sum);
  }
}

/// The attention of a call, computed a row at a time.
class AttentionRows {
 public:
  explicit AttentionRows(const AttentionArgs& args)
      : args_(args),
        steps_(args.queries.shape[0]),
        batch_(args.queries.shape[1]),
        width_(args.queries.shape[2]),
        memory_(args.keys.shape[0]),
        additive_(args.kind == AttentionKind::additive) {
    const auto* lengths = args.lengths.as<std::int32_t>();
    for (std::int64_t b = 0; b < args.lengths.count(); ++b) {
      check(lengths[b] >= 0 && lengths[b] <= memory_, "attention: length ", lengths[b], " of row ",
            b, ", expected in [0, S=", memory_, "]");
    }
  }

  std::int64_t batch() const { return batch_; }
  std::int64_t grain() const {
    const std::int64_t values = args_.values.shape[2];
    return worth_a_thread(steps_ * memory_ * (values + (additive_ ? 64 : 1) * width_));
  }
  /// Floats that a thread needs of its own.
  std::int64_t scratch_size() const {
    const std::int64_t values = args_.values.shape[2];
    const std::int64_t most = std::max({steps_, memory_, width_, values});
    const std::int64_t product = kPanelGemm.scratch_bytes({nullptr, most, most, 1, most});
    return padded(product / std::int64_t{sizeof(float)} + padded(memory_) * (width_ + 1) +
                  steps_ * memory_);
  }

  void forward(std::int64_t b, float* scratch) const {
    const std::int64_t length = length_of(b);
    const Output weights = output_of(args_.weights, b);
    if (additive_) {
      score_additively(b, length, scratch);
    } else {
      multiply(row_of(args_.queries, b, steps_), transposed(row_of(args_.keys, b, length)), weights,
               scratch);
    }
    for (std::int64_t t = 0; t < steps_; ++t) {
      float* const row = weights.data + t * weights.stride;
      if (length > 0) softmax(row, length, additive_ ? 1.0F : static_cast<float>(args_.scale));
      std::fill(row + length, row + memory_, 0.0F);
    }
    multiply(first_columns(row_of(args_.weights, b, steps_), length),
             row_of(args_.values, b, length), output_of(args_.context, b), scratch);
  }

  /// `d_v` [A]: what this row adds.
  void backward(const AttentionBackwardArgs& to, std::int64_t b, float* d_v, float* scratch) const {
    const std::int64_t length = length_of(b);
    const Matrix weights = first_columns(row_of(args_.weights, b, steps_), length);
    const Matrix d_context = row_of(to.d_context, b, steps_);
    float* const d_scores = scratch;  // [T, length]
    scratch += padded(steps_ * memory_);
    multiply(d_context, transposed(row_of(args_.values, b, length)), {d_scores, length}, scratch);
    multiply(transposed(weights), d_context, output_of(to.d_values, b), scratch);
    differentiate_softmax(weights, d_scores);
    if (additive_) {
      differentiate_additively(to, b, length, d_scores, d_v);
    } else {
      const Matrix scores{d_scores, steps_, length, length, 1};
      multiply(scores, row_of(args_.keys, b, length), output_of(to.d_queries, b), scratch);
      multiply(transposed(scores), row_of(args_.queries, b, steps_), output_of(to.d_keys, b),
               scratch);
    }
    fill_rows(to.d_keys, b, {length, memory_});
    fill_rows(to.d_values, b, {length, memory_});
  }

 private:
  /// How many memory steps row b looks at.
  std::int64_t length_of(std::int64_t b) const {
    return args_.lengths.empty() ? memory_ : args_.lengths.as<std::int32_t>()[b];
  }

  static void multiply(const Matrix& a, const Matrix& b, const Output& c, float* scratch) {
    kPanelGemm.multiply(a, b, {0, a.rows}, {0, b.columns}, c,
                        reinterpret_cast<std::byte*>(scratch));
  }

  void score_additively(std::int64_t b, std::int64_t length, float* scratch) const {
    const std::int64_t columns = padded(length);
    const Matrix keys = row_of(args_.keys, b, length);
    float* const scores = scratch;
    float* const turned = scratch + columns;  // [A, columns]
    std::fill_n(turned, width_ * columns, 0.0F);
    transpose(keys.data, keys.row_stride, length, width_, turned, columns);
    const Matrix queries = row_of(args_.queries, b, steps_);
    const Output weights = output_of(args_.weights, b);
    for (std::int64_t t = 0; t < steps_; ++t) {
      HWY_DYNAMIC_DISPATCH(additive_scores)
      (queries.at(t, 0), turned, args_.v.as<float>(), width_, columns, scores);
      std::copy_n(scores, length, weights.data + t * weights.stride);
    }
  }

  /// Gradients of the weights, [T, length], to those of the scores before any scale.
  void differentiate_softmax(const Matrix& weights, float* d_scores) const {
    const float scale = additive_ ? 1.0F : static_cast<float>(args_.scale);
    for (std::int64_t t = 0; t < weights.rows; ++t) {
      const float* const weight = weights.at(t, 0);
      float* const row = d_scores + t * weights.columns;
      double mean = 0.0;
      for (std::int64_t s = 0; s < weights.columns; ++s) {
        mean += static_cast<double>(weight[s]) * static_cast<double>(row[s]);
      }
      for (std::int64_t s = 0; s < weights.columns; ++s) {
        row[s] = scale * weight[s] * static_cast<float>(static_cast<double>(row[s]) - mean);
      }
    }
  }

  void differentiate_additively(const AttentionBackwardArgs& to, std::int64_t b,
                                std::int64_t length, const float* d_scores, float* d_v) const {
    const Matrix queries = row_of(args_.queries, b, steps_);
    const Matrix keys = row_of(args_.keys, b, length);
    const Output d_queries = output_of(to.d_queries, b);
    const Output d_keys = output_of(to.d_keys, b);
    fill_rows(to.d_queries, b, {0, steps_});
    fill_rows(to.d_keys, b, {0, length});
    std::fill_n(d_v, width_, 0.0F);
    for (std::int64_t t = 0; t < steps_; ++t) {
      for (std::int64_t s = 0; s < length; ++s) {
        HWY_DYNAMIC_DISPATCH(additive_gradient)
        (d_scores[t * length + s], queries.at(t, 0), keys.at(s, 0), args_.v.as<float>(), width_,
         d_queries.data + t * d_queries.stride, d_keys.data + s * d_keys.stride, d_v);
      }
    }
  }

  const AttentionArgs& args_;
  std::int64_t steps_, batch_, width_, memory_;  // T, B, A, S
  bool additive_;
};

}  // namespace
}  // namespace cpu

void CpuBackend::do_attention(const AttentionArgs& args) {
  const cpu::AttentionRows rows(args);
  const cpu::Scratch::Frame frame(scratch_);
  const std::int64_t each = rows.scratch_size();
  float* const scratch = frame.floats(each * pool_.size());
  pool_.parallel_for(rows.batch(), rows.grain(),
                     [&](std::int64_t begin, std::int64_t end, int part) {
                       for (std::int64_t b = begin; b < end; ++b) {
                         rows.forward(b, scratch + part * each);
                       }
                     });
}

void CpuBackend::do_attention_backward(const AttentionBackwardArgs& args) {
  const cpu::AttentionRows rows(args.forward);
  const cpu::Scratch::Frame frame(scratch_);
  const std::int64_t each = rows.scratch_size();
  const std::int64_t width = args.forward.v.count();  // 0 without v
  float* const scratch = frame.floats(each * pool_.size());
  float* const d_v = frame.floats(rows.batch() * width);
  pool_.parallel_for(rows.batch(), rows.grain(),
                     [&](std::int64_t begin, std::int64_t end, int part) {
                       for (std::int64_t b = begin; b < end; ++b) {
                         rows.backward(args, b, d_v + b * width, scratch + part * each);
                       }
                     });
  if (!args.d_v.empty()) {
    cpu::add_column_sums({pool_, scratch_}, {d_v, rows.batch(), width, width, 1},
                         args.d_v.as<float>());
  }
}

}  // namespace cadenza
#endif  // HWY_ONCE
