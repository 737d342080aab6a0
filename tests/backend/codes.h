// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

// A plain reading of codes (backend/cpu/products.h) and of what int24 sums (backend/cpu/digits.h).

namespace cadenza::test {

/// Integers and what a 1 of them stands for.
struct Codes {
  std::vector<std::int64_t> values;
  float step;
};

inline Codes codes_at(const std::vector<float>& x, float scale, float step) {
  Codes codes{{}, step};
  for (const float value : x) {
    codes.values.push_back(static_cast<std::int64_t>(std::nearbyint(value * scale)));
  }
  return codes;
}

/// Digit `place` of an integer to the base of 256, in [-128, 127].
inline std::int64_t digit_of(std::int64_t code, int place) {
  for (;; --place) {
    const std::int64_t digit = ((code + 128) % 256 + 256) % 256 - 128;
    if (place == 0) return digit;
    code = (code - digit) / 256;
  }
}

/// The sum of products of codes, in units of 2^16.
inline float sum_by_digits(const std::vector<std::int64_t>& factors,
                           const std::vector<std::int64_t>& weights) {
  std::int64_t places[5] = {};
  for (std::size_t k = 0; k < factors.size(); ++k) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        places[i + j] += digit_of(factors[k], i) * digit_of(weights[k], j);
      }
    }
  }
  const auto place = [&](int i) { return static_cast<float>(places[i]); };
  return std::fma(place(4), 65536.0F, std::fma(place(3), 256.0F, place(2)));
}

}  // namespace cadenza::test
