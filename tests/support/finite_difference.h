// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "support/op_case.h"
#include "support/sanitizer.h"

namespace cadenza::test {

/// sum(outputs * cotangents) of the operation in double.
inline double objective(Backend& backend, const OpCase& op, const Arrays& inputs) {
  Device device(backend, DType::f64);
  const Arrays outputs = op.forward(device, inputs);
  double sum = 0.0;
  for (const auto& [name, cotangent] : op.cotangents) {
    const HostArray& output = outputs.at(name);
    for (std::size_t i = 0; i < output.values.size(); ++i) {
      sum += output.values[i] * cotangent.values[i];
    }
  }
  return sum;
}

/// Central difference of the objective with respect to one element.
inline double numeric_gradient(Backend& backend, const OpCase& op, Arrays& inputs,
                               const std::string& name, std::size_t i) {
  constexpr double kStep = 3e-5;
  double& value = inputs.at(name).values[i];
  const double kept = value;
  value = kept + kStep;
  const double above = objective(backend, op, inputs);
  value = kept - kStep;
  const double below = objective(backend, op, inputs);
  value = kept;
  return (above - below) / (2.0 * kStep);
}

/// The backward pass against central differences, for up to `kMaxElements` elements of each input,
/// evenly spread. Relative to the element or to a hundredth of the largest of its array.
inline void expect_gradients_match(Backend& backend, const OpCase& op, double tolerance) {
  constexpr std::size_t kMaxElements = kSanitized ? 7 : 97;
  Device device(backend, DType::f64);
  const Arrays gradients = op.backward(device, op.inputs, op.cotangents);
  Arrays inputs = op.inputs;
  for (const auto& [name, gradient] : gradients) {
    double largest = 0.0;
    for (const double value : gradient.values) largest = std::max(largest, std::fabs(value));
    const std::size_t stride = gradient.values.size() / kMaxElements + 1;
    for (std::size_t i = 0; i < gradient.values.size(); i += stride) {
      const double numeric = numeric_gradient(backend, op, inputs, name, i);
      const double got = gradient.values[i];
      const double scale = std::max({std::fabs(numeric), 0.01 * largest, 1e-3});
      EXPECT_LE(std::fabs(numeric - got), tolerance * scale)
          << op.name << ": gradient of " << name << " on " << backend.name() << " f64, shape "
          << gradient.shape << ", seed " << op.seed << ", index " << i << ": expected " << numeric
          << ", got " << got;
    }
  }
}

}  // namespace cadenza::test
