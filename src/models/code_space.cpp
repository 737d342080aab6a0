// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cadenza/error.h"
#include "cadenza/vae.h"
#include "nn/gaussian.h"

namespace cadenza {
namespace {

void add_to(Code& sum, const Code& code, double factor) {
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] += static_cast<float>(factor * code.at(i));
  }
}

}  // namespace

Code prior_code(const VaeConfig& config, std::uint64_t seed, std::uint64_t sequence) {
  return latent_noise(seed, sequence, 0, config.latent);
}

Code interpolate(const Code& a, const Code& b, double fraction) {
  check(a.size() == b.size(), "interpolate: codes of ", a.size(), " and ", b.size(), " numbers");
  const auto dot = [](const Code& x, const Code& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  const double cosine = dot(a, b) / std::sqrt(dot(a, a) * dot(b, b));
  const double angle = std::acos(std::clamp(cosine, -1.0, 1.0));
  const double sine = std::sin(angle);
  double of_a = 1.0 - fraction;
  double of_b = fraction;
  constexpr double kSmallest = 1e-6;
  if (sine > kSmallest) {  // false for a code of zeros, too: then it is not a number
    of_a = std::sin(of_a * angle) / sine;
    of_b = std::sin(of_b * angle) / sine;
  }
  Code between(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    between[i] = static_cast<float>(of_a * a[i] + of_b * b[i]);
  }
  return between;
}

Code attribute_direction(std::span<const Code> codes, std::span<const double> values) {
  check(!codes.empty() && codes.size() == values.size(), "attribute_direction: ", codes.size(),
        " codes and ", values.size(), " values, expected one or more of each");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[sorted.size() / 2];
  const auto above =
      std::count_if(values.begin(), values.end(), [&](double value) { return value > median; });
  const auto below =
      std::count_if(values.begin(), values.end(), [&](double value) { return value < median; });
  check(above > 0 && below > 0, "attribute_direction: of ", values.size(), " values ", above,
        " are above their median and ", below, " below it, expected some of both");
  Code direction(codes[0].size(), 0.0F);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (values[i] > median) add_to(direction, codes[i], 1.0 / static_cast<double>(above));
    if (values[i] < median) add_to(direction, codes[i], -1.0 / static_cast<double>(below));
  }
  return direction;
}

Code moved(const Code& code, const Code& direction, double amount) {
  check(code.size() == direction.size(), "moved: a code of ", code.size(),
        " numbers and a direction of ", direction.size());
  Code result = code;
  add_to(result, direction, amount);
  return result;
}

}  // namespace cadenza
