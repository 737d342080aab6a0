// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/reference/loops.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/view.h"

// Attention as in Luong et al., "Effective approaches to attention-based neural machine
// translation", 2015 (dot), and Bahdanau et al., "Neural machine translation by jointly learning to
// align and translate", 2015 (additive).

namespace cadenza {
namespace {

using reference::with_real;

std::size_t index_of(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The arrays of a call and the score of one query and one key.
template <typename Real>
struct Attention {
  explicit Attention(const AttentionArgs& args)
      : kind(args.kind),
        scale(args.scale),
        queries(args.queries),
        keys(args.keys),
        values(args.values),
        v(args.v),
        lengths(args.lengths),
        steps(queries.extent(0)),
        batch(queries.extent(1)),
        memory(keys.extent(0)),
        width(queries.extent(2)),
        value_width(values.extent(2)) {}

  /// How many memory steps row b looks at.
  std::int64_t length(std::int64_t b) const {
    if (!lengths) return memory;
    check(lengths(b) >= 0 && lengths(b) <= memory, "attention: length ", lengths(b), " of row ", b,
          ", expected in [0, S=", memory, "]");
    return lengths(b);
  }
  double query(std::int64_t t, std::int64_t b, std::int64_t a) const {
    return static_cast<double>(queries(t, b, a));
  }
  double key(std::int64_t s, std::int64_t b, std::int64_t a) const {
    return static_cast<double>(keys(s, b, a));
  }
  double value(std::int64_t s, std::int64_t b, std::int64_t e) const {
    return static_cast<double>(values(s, b, e));
  }
  double score(std::int64_t t, std::int64_t s, std::int64_t b) const {
    double sum = 0.0;
    for (std::int64_t a = 0; a < width; ++a) {
      sum += kind == AttentionKind::dot
                 ? query(t, b, a) * key(s, b, a)
                 : static_cast<double>(v(a)) * std::tanh(query(t, b, a) + key(s, b, a));
    }
    return kind == AttentionKind::dot ? scale * sum : sum;
  }

  AttentionKind kind;
  double scale;
  View<const Real, 3> queries, keys, values;
  View<const Real, 1> v;
  View<const std::int32_t, 1> lengths;
  std::int64_t steps, batch, memory, width, value_width;  // T, B, S, A, E
};

/// In place: x = softmax(x).
void softmax(std::vector<double>& x) {
  if (x.empty()) return;
  const double maximum = *std::max_element(x.begin(), x.end());
  double sum = 0.0;
  for (double& element : x) {
    element = std::exp(element - maximum);
    sum += element;
  }
  for (double& element : x) element /= sum;
}

template <typename Real>
void forward(const AttentionArgs& args) {
  const Attention<Real> attention(args);
  const View<Real, 3> context(args.context);
  const View<Real, 3> weights(args.weights);
  for (std::int64_t b = 0; b < attention.batch; ++b) {
    const std::int64_t length = attention.length(b);
    for (std::int64_t t = 0; t < attention.steps; ++t) {
      std::vector<double> row(index_of(length));
      for (std::int64_t s = 0; s < length; ++s) row[index_of(s)] = attention.score(t, s, b);
      softmax(row);
      for (std::int64_t s = 0; s < attention.memory; ++s) {
        weights(t, b, s) = s < length ? static_cast<Real>(row[index_of(s)]) : Real{0};
      }
      for (std::int64_t e = 0; e < attention.value_width; ++e) {
        double sum = 0.0;
        for (std::int64_t s = 0; s < length; ++s) {
          sum += row[index_of(s)] * attention.value(s, b, e);
        }
        context(t, b, e) = static_cast<Real>(sum);
      }
    }
  }
}

/// Gradients of the rows, one after the other.
template <typename Real>
class BackwardRows {
 public:
  explicit BackwardRows(const AttentionBackwardArgs& args)
      : attention_(args.forward),
        weights_(args.forward.weights),
        d_context_(args.d_context),
        d_queries_(args.d_queries),
        d_keys_(args.d_keys),
        d_values_(args.d_values),
        d_v_(index_of(attention_.width)) {}

  void run(std::int64_t b) {
    const std::int64_t length = attention_.length(b);
    d_keys_of_row_.assign(index_of(attention_.memory * attention_.width), 0.0);
    d_values_of_row_.assign(index_of(attention_.memory * attention_.value_width), 0.0);
    for (std::int64_t t = 0; t < attention_.steps; ++t) {
      const std::vector<double> d_scores = score_gradients(t, b, length);
      std::vector<double> d_query(index_of(attention_.width));
      for (std::int64_t s = 0; s < length; ++s) {
        add_to_query_and_key(t, s, b, d_scores[index_of(s)], d_query);
      }
      for (std::int64_t a = 0; a < attention_.width; ++a) {
        d_queries_(t, b, a) = static_cast<Real>(d_query[index_of(a)]);
      }
    }
    for (std::int64_t s = 0; s < attention_.memory; ++s) {
      for (std::int64_t a = 0; a < attention_.width; ++a) {
        d_keys_(s, b, a) = static_cast<Real>(d_keys_of_row_[index_of(s * attention_.width + a)]);
      }
      for (std::int64_t e = 0; e < attention_.value_width; ++e) {
        d_values_(s, b, e) =
            static_cast<Real>(d_values_of_row_[index_of(s * attention_.value_width + e)]);
      }
    }
  }

  const std::vector<double>& d_v() const { return d_v_; }

 private:
  /// d loss / d score(t, s) for s < length; the values' gradient is added to on the way.
  std::vector<double> score_gradients(std::int64_t t, std::int64_t b, std::int64_t length) {
    std::vector<double> gradients(index_of(length));
    double mean = 0.0;
    for (std::int64_t s = 0; s < length; ++s) {
      const auto weight = static_cast<double>(weights_(t, b, s));
      double d_weight = 0.0;
      for (std::int64_t e = 0; e < attention_.value_width; ++e) {
        const auto d_context = static_cast<double>(d_context_(t, b, e));
        d_weight += d_context * attention_.value(s, b, e);
        d_values_of_row_[index_of(s * attention_.value_width + e)] += weight * d_context;
      }
      gradients[index_of(s)] = d_weight;
      mean += weight * d_weight;
    }
    for (std::int64_t s = 0; s < length; ++s) {
      double& gradient = gradients[index_of(s)];
      gradient = static_cast<double>(weights_(t, b, s)) * (gradient - mean);
    }
    return gradients;
  }

  void add_to_query_and_key(std::int64_t t, std::int64_t s, std::int64_t b, double d_score,
                            std::vector<double>& d_query) {
    for (std::int64_t a = 0; a < attention_.width; ++a) {
      double& d_key = d_keys_of_row_[index_of(s * attention_.width + a)];
      const double query = attention_.query(t, b, a);
      const double key = attention_.key(s, b, a);
      if (attention_.kind == AttentionKind::dot) {
        d_query[index_of(a)] += attention_.scale * d_score * key;
        d_key += attention_.scale * d_score * query;
      } else {
        const double y = std::tanh(query + key);
        const double d_sum = d_score * static_cast<double>(attention_.v(a)) * (1.0 - y * y);
        d_v_[index_of(a)] += d_score * y;
        d_query[index_of(a)] += d_sum;
        d_key += d_sum;
      }
    }
  }

  Attention<Real> attention_;
  View<const Real, 3> weights_, d_context_;
  View<Real, 3> d_queries_, d_keys_, d_values_;
  std::vector<double> d_v_;              // [A]
  std::vector<double> d_keys_of_row_;    // [S, A]
  std::vector<double> d_values_of_row_;  // [S, E]
};

template <typename Real>
void backward(const AttentionBackwardArgs& args) {
  BackwardRows<Real> rows(args);
  for (std::int64_t b = 0; b < args.d_context.shape[1]; ++b) rows.run(b);
  if (!args.d_v.empty())
    reference::add_to(rows.d_v().data(), args.d_v.as<Real>(), args.d_v.count());
}

}  // namespace

void ReferenceBackend::do_attention(const AttentionArgs& args) {
  with_real(args.queries.dtype, [&](auto zero) { forward<decltype(zero)>(args); });
}

void ReferenceBackend::do_attention_backward(const AttentionBackwardArgs& args) {
  with_real(args.d_context.dtype, [&](auto zero) { backward<decltype(zero)>(args); });
}

}  // namespace cadenza
