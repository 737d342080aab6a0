// SPDX-License-Identifier: Apache-2.0
#include "render/ticks.h"

#include <cmath>

namespace cadenza {

std::vector<double> round_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = power * 10.0;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9);
  const int most = 2 * count + 2;  // whatever rounding does
  for (int i = 0; i < most; ++i) {
    const double value = (first + i) * step;
    if (value > high + 1e-9 * step) break;
    ticks.push_back(value);
  }
  return ticks;
}

}  // namespace cadenza
