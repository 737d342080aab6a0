// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "backend/reference/loops.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/view.h"

// Neural autoregressive density, after Larochelle and Murray, "The neural autoregressive
// distribution estimator", 2011: p(v) = prod_i p(v_i | v_<i), the conditionals sharing weights.

namespace cadenza {
namespace {

using reference::with_real;

/// Loss and gradients of the rows, one after the other.
template <typename Real>
class NadeRows {
 public:
  explicit NadeRows(const NadeLossArgs& args)
      : targets_(args.targets),
        visible_bias_(args.visible_bias),
        hidden_bias_(args.hidden_bias),
        w_(args.w),
        u_(args.u),
        keys_(w_.extent(0)),
        units_(w_.extent(1)),
        hidden_(static_cast<std::size_t>(keys_ * units_)),
        d_logits_(static_cast<std::size_t>(keys_)),
        d_w_(hidden_.size()),
        d_u_(hidden_.size()) {}

  /// Returns the loss of row n and keeps what backward needs.
  double forward(std::int64_t n) {
    std::vector<double> sums(static_cast<std::size_t>(units_));
    for (std::int64_t k = 0; k < units_; ++k) {
      sums[static_cast<std::size_t>(k)] = static_cast<double>(hidden_bias_(n, k));
    }
    double loss = 0.0;
    for (std::int64_t i = 0; i < keys_; ++i) {
      double* h = hidden_.data() + i * units_;
      std::transform(sums.begin(), sums.end(), h, reference::sigmoid);
      const double logit = static_cast<double>(visible_bias_(n, i)) +
                           reference::dot(u_.data() + i * units_, h, units_);
      const double target = static_cast<double>(targets_(n, i));
      loss += reference::softplus(logit) - target * logit;
      d_logits_[static_cast<std::size_t>(i)] = reference::sigmoid(logit) - target;
      reference::add_multiple(target, w_.data() + i * units_, sums.data(), units_);
    }
    return loss;
  }

  /// Gradients of factor * loss of the row that forward() saw last.
  void backward(std::int64_t n, double factor, const View<Real, 2>& d_visible_bias,
                const View<Real, 2>& d_hidden_bias) {
    std::vector<double> d_sums(static_cast<std::size_t>(units_));
    for (std::int64_t i = keys_ - 1; i >= 0; --i) {
      const double* h = hidden_.data() + i * units_;
      const double d_logit = factor * d_logits_[static_cast<std::size_t>(i)];
      d_visible_bias(n, i) = static_cast<Real>(d_logit);
      reference::add_multiple(static_cast<double>(targets_(n, i)), d_sums.data(),
                              d_w_.data() + i * units_, units_);
      reference::add_multiple(d_logit, h, d_u_.data() + i * units_, units_);
      for (std::int64_t k = 0; k < units_; ++k) {
        d_sums[static_cast<std::size_t>(k)] +=
            d_logit * static_cast<double>(u_(i, k)) * h[k] * (1.0 - h[k]);
      }
    }
    for (std::int64_t k = 0; k < units_; ++k) {
      d_hidden_bias(n, k) = static_cast<Real>(d_sums[static_cast<std::size_t>(k)]);
    }
  }

  void add_to(const TensorView& d_w, const TensorView& d_u) const {
    reference::add_to(d_w_.data(), d_w.as<Real>(), d_w.count());
    reference::add_to(d_u_.data(), d_u.as<Real>(), d_u.count());
  }

 private:
  View<const Real, 2> targets_, visible_bias_, hidden_bias_, w_, u_;
  std::int64_t keys_, units_;      // D, K
  std::vector<double> hidden_;     // [D, K]
  std::vector<double> d_logits_;   // [D], at factor 1
  std::vector<double> d_w_, d_u_;  // [D, K]
};

template <typename Real>
void nade_rows(const NadeLossArgs& args) {
  NadeRows<Real> rows(args);
  const View<const Real, 1> weights(args.weights);
  const View<Real, 1> row_loss(args.row_loss);
  const View<Real, 2> d_visible_bias(args.d_visible_bias);
  const View<Real, 2> d_hidden_bias(args.d_hidden_bias);
  for (std::int64_t n = 0; n < row_loss.extent(0); ++n) {
    const double weight = weights ? static_cast<double>(weights(n)) : 1.0;
    row_loss(n) = static_cast<Real>(weight * rows.forward(n));
    if (d_visible_bias) rows.backward(n, args.scale * weight, d_visible_bias, d_hidden_bias);
  }
  if (d_visible_bias) rows.add_to(args.d_w, args.d_u);
}

}  // namespace

void ReferenceBackend::do_nade_loss(const NadeLossArgs& args) {
  with_real(args.targets.dtype, [&](auto zero) { nade_rows<decltype(zero)>(args); });
}

}  // namespace cadenza
