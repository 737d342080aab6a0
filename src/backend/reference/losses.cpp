// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "backend/reference/loops.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/view.h"

namespace cadenza {
namespace {

using reference::with_real;

template <typename Real>
double weight_of(const View<const Real, 1>& weights, std::int64_t n) {
  return weights ? static_cast<double>(weights(n)) : 1.0;
}

template <typename Real>
void softmax_rows(const SoftmaxLossArgs& args) {
  const View<const Real, 2> logits(args.logits);
  const View<const std::int32_t, 1> targets(args.targets);
  const View<const Real, 1> weights(args.weights);
  const View<Real, 1> row_loss(args.row_loss);
  const View<Real, 2> d_logits(args.d_logits);
  for (std::int64_t n = 0; n < logits.extent(0); ++n) {
    const std::int64_t width = logits.extent(1);
    const std::int32_t target = targets(n);
    reference::check_id("softmax_loss", target, n, width);
    if (target < 0) {
      row_loss(n) = 0;
      if (d_logits) std::fill_n(&d_logits(n, 0), width, Real{0});
      continue;
    }
    const double weight = weight_of(weights, n);
    const double maximum =
        static_cast<double>(*std::max_element(&logits(n, 0), &logits(n, 0) + width));
    double sum = 0.0;
    for (std::int64_t v = 0; v < width; ++v) {
      sum += std::exp(static_cast<double>(logits(n, v)) - maximum);
    }
    const double log_sum = maximum + std::log(sum);
    row_loss(n) = static_cast<Real>(weight * (log_sum - static_cast<double>(logits(n, target))));
    if (!d_logits) continue;
    for (std::int64_t v = 0; v < width; ++v) {
      const double probability = std::exp(static_cast<double>(logits(n, v)) - log_sum);
      d_logits(n, v) =
          static_cast<Real>(args.scale * weight * (probability - (v == target ? 1.0 : 0.0)));
    }
  }
}

/// Value and derivative of a loss of one element.
struct Element {
  double loss, gradient;
};

/// A loss that sums `loss_of(input, target)` over the elements of each row.
template <typename Real, typename LossOf>
void elementwise_loss(const TensorView& input, const BernoulliLossArgs& args,
                      const LossOf& loss_of) {
  const View<const Real, 2> inputs(input);
  const View<const Real, 2> targets(args.targets);
  const View<const Real, 1> weights(args.weights);
  const View<Real, 1> row_loss(args.row_loss);
  const View<Real, 2> gradients(args.d_logits);
  for (std::int64_t n = 0; n < inputs.extent(0); ++n) {
    const double weight = weight_of(weights, n);
    double sum = 0.0;
    for (std::int64_t d = 0; d < inputs.extent(1); ++d) {
      const Element element =
          loss_of(static_cast<double>(inputs(n, d)), static_cast<double>(targets(n, d)));
      sum += element.loss;
      if (gradients) {
        gradients(n, d) = static_cast<Real>(args.scale * weight * element.gradient);
      }
    }
    row_loss(n) = static_cast<Real>(weight * sum);
  }
}

}  // namespace

void ReferenceBackend::do_softmax_loss(const SoftmaxLossArgs& args) {
  with_real(args.logits.dtype, [&](auto zero) { softmax_rows<decltype(zero)>(args); });
}

void ReferenceBackend::do_bernoulli_loss(const BernoulliLossArgs& args) {
  with_real(args.logits.dtype, [&](auto zero) {
    elementwise_loss<decltype(zero)>(args.logits, args, [](double logit, double target) {
      return Element{reference::softplus(logit) - target * logit,
                     reference::sigmoid(logit) - target};
    });
  });
}

void ReferenceBackend::do_squared_loss(const SquaredLossArgs& args) {
  const BernoulliLossArgs rows{args.predictions, args.targets,       args.weights,
                               args.row_loss,    args.d_predictions, args.scale};
  with_real(args.predictions.dtype, [&](auto zero) {
    elementwise_loss<decltype(zero)>(args.predictions, rows, [](double prediction, double target) {
      const double error = prediction - target;
      return Element{error * error, 2.0 * error};
    });
  });
}

}  // namespace cadenza
