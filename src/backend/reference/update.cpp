// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "backend/reference/loops.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/view.h"

namespace cadenza {
namespace {

using reference::with_real;

/// One parameter with its moments.
struct Element {
  double parameter;
  double gradient;
  double first;
  double second;
};

/// The rules of torch.optim's SGD, RMSprop, Adam and AdamW, with their default options.
void update_element(const UpdateArgs& args, Element& e) {
  const auto step = static_cast<double>(args.step);
  if (args.kind == OptimizerKind::adamw) {
    e.parameter *= 1.0 - args.learning_rate * args.weight_decay;
  } else {
    e.gradient += args.weight_decay * e.parameter;
  }
  switch (args.kind) {
    case OptimizerKind::sgd:
      e.parameter -= args.learning_rate * e.gradient;
      break;
    case OptimizerKind::momentum:
      e.first = args.beta1 * e.first + e.gradient;
      e.parameter -= args.learning_rate * e.first;
      break;
    case OptimizerKind::rmsprop:
      e.second = args.beta2 * e.second + (1.0 - args.beta2) * e.gradient * e.gradient;
      e.parameter -= args.learning_rate * e.gradient / (std::sqrt(e.second) + args.epsilon);
      break;
    case OptimizerKind::adam:
    case OptimizerKind::adamw: {
      e.first = args.beta1 * e.first + (1.0 - args.beta1) * e.gradient;
      e.second = args.beta2 * e.second + (1.0 - args.beta2) * e.gradient * e.gradient;
      const double correction1 = 1.0 - std::pow(args.beta1, step);
      const double correction2 = 1.0 - std::pow(args.beta2, step);
      const double denominator = std::sqrt(e.second) / std::sqrt(correction2) + args.epsilon;
      e.parameter -= args.learning_rate / correction1 * e.first / denominator;
      break;
    }
  }
}

double clip_factor(const UpdateArgs& args) {
  if (args.clip_norm <= 0.0) return 1.0;
  const double norm = std::sqrt(*args.squared_norm.as<double>());
  return std::min(1.0, args.clip_norm / (norm + 1e-6));
}

template <typename Real>
void update_all(const UpdateArgs& args) {
  const View<Real, 1> parameters(args.parameters);
  const View<const Real, 1> gradients(args.gradients);
  const View<Real, 1> first(args.first_moment);
  const View<Real, 1> second(args.second_moment);
  const double factor = clip_factor(args);
  for (std::int64_t p = 0; p < parameters.extent(0); ++p) {
    Element element{static_cast<double>(parameters(p)), factor * static_cast<double>(gradients(p)),
                    first ? static_cast<double>(first(p)) : 0.0,
                    second ? static_cast<double>(second(p)) : 0.0};
    update_element(args, element);
    parameters(p) = static_cast<Real>(element.parameter);
    if (first) first(p) = static_cast<Real>(element.first);
    if (second) second(p) = static_cast<Real>(element.second);
  }
}

}  // namespace

void ReferenceBackend::do_squared_norm(const TensorView& x, const TensorView& out) {
  with_real(x.dtype, [&](auto zero) {
    using Real = decltype(zero);
    *out.as<double>() = reference::dot(x.as<Real>(), x.as<Real>(), x.count());
  });
}

void ReferenceBackend::do_update(const UpdateArgs& args) {
  with_real(args.parameters.dtype, [&](auto zero) { update_all<decltype(zero)>(args); });
}

}  // namespace cadenza
