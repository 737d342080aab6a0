// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "cadenza/parameters.h"
#include "cadenza/tape.h"
#include "nn/host_copy.h"
#include "support/sanitizer.h"

namespace cadenza::test {

/// The gradients that `loss(GradMode::record)` leaves in f64 parameters against central differences
/// of its value, for every number of a small array and every seventh of a large one; under
/// sanitizers every seventh of those.
inline void expect_slopes(Parameters& parameters, const std::function<double(GradMode)>& loss,
                          const std::string& what) {
  constexpr double kStep = 1e-5;
  parameters.zero_gradients();
  loss(GradMode::record);
  for (const ParameterSpec& spec : parameters.specs()) {
    const auto gradient = download_real(parameters.backend(), parameters.gradient(spec.name));
    std::vector<double> values = parameters.download(spec.name);
    const std::size_t stride = (values.size() > 50 ? 7U : 1U) * (kSanitized ? 7U : 1U);
    for (std::size_t i = 0; i < values.size(); i += stride) {
      const double original = values[i];
      const auto loss_at = [&](double value) {
        values[i] = value;
        parameters.upload(spec.name, values);
        return loss(GradMode::none);
      };
      const double slope = (loss_at(original + kStep) - loss_at(original - kStep)) / (2 * kStep);
      loss_at(original);
      EXPECT_NEAR(gradient[i], slope, 1e-6 * std::max(1.0, std::abs(slope)))
          << what << " " << spec.name << "[" << i << "]";
    }
  }
}

/// Sum of squares of x, with its way back.
inline double squares(Tape& tape, Variable& x) {
  double sum = 0.0;
  for (const double value : download_real(tape.backend(), x.value())) sum += value * value;
  tape.contribute(x, [&](const TensorView& gradient) {
    tape.backend().fill(gradient, 0.0);
    tape.backend().add(x.value(), gradient, 2.0);
  });
  return sum;
}

}  // namespace cadenza::test
