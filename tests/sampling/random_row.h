// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "sampling/test_row.h"

namespace cadenza::test {

/// Rows over the whole grid of parameters and shapes, edge values included; the same for the same
/// `seed` everywhere (only the engine's own bits are used, no library distribution).
class RandomRows {
 public:
  explicit RandomRows(std::uint64_t seed) : engine_(seed) {}

  TestRow next() {
    return next(pick<std::size_t>(
        {1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 88, 127, 128, 129, 200, 257, 388, 512}));
  }

  /// A row of `v` tokens.
  TestRow next(std::size_t v) {
    TestRow test;
    test.logits.resize(v);
    fill(test.logits);
    test.params.temperature = pick({1.0, 1.0, 0.0, 0.3, 0.7, 1.5, 4.0, 1e-30, infinity()});
    if (chance(3)) test.params.top_k = pick({-1, 1, 2, 3, 5, 10, 40, 128, 1000});
    if (chance(3)) test.params.top_p = pick({1e-9, 0.1, 0.5, 0.9, 0.95, 0.999999, 1.0 - 1e-9, 1.0});
    if (chance(3)) test.params.min_p = pick({1e-12, 0.01, 0.05, 0.3, 1.0});
    if (chance(3)) test.params.typical_p = pick({1e-9, 0.2, 0.5, 0.9, 0.999999, 1.0});
    if (chance(4)) add_penalties(test);
    if (chance(4)) fill(test.bias = std::vector<float>(v));
    if (chance(4)) add_mask(test);
    test.seed = engine_();
    test.sequence = engine_() >> pick({0, 32, 60});
    test.step = static_cast<std::uint32_t>(engine_() >> pick({32, 54}));
    test.fallback = static_cast<std::int32_t>(engine_() % v);
    return test;
  }

  std::uint64_t bits() { return engine_(); }

 private:
  static double infinity() { return std::numeric_limits<double>::infinity(); }
  bool chance(std::uint64_t one_in) { return engine_() % one_in == 0; }
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  template <typename T>
  T pick(std::initializer_list<T> from) {
    return from.begin()[engine_() % from.size()];
  }

  void fill(std::vector<float>& values) {
    const double spread = pick({0.0, 0.5, 2.0, 8.0, 40.0});
    const double grid = chance(3) ? pick({1.0, 0.25, 1.0 / 32}) : 0.0;  // makes ties common
    for (float& value : values) {
      double x = spread * (uniform() + uniform() + uniform() - 1.5);
      if (grid > 0.0) x = std::round(x / grid) * grid;
      value = static_cast<float>(x);
    }
    if (chance(8)) values[engine_() % values.size()] += 20.0F;
    if (chance(8)) add_specials(values);
  }

  void add_specials(std::vector<float>& values) {
    using Limits = std::numeric_limits<float>;
    const std::uint64_t count = 1 + engine_() % 4;
    for (std::uint64_t i = 0; i < count; ++i) {
      values[engine_() % values.size()] =
          pick({Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), -Limits::infinity(),
                Limits::max(), -Limits::max(), Limits::denorm_min(), -0.0F, 0.0F});
    }
    if (chance(8)) values.assign(values.size(), pick({-Limits::infinity(), Limits::quiet_NaN()}));
  }

  void add_penalties(TestRow& test) {
    test.params.repetition_penalty = pick({1.0, 1.1, 1.5, 0.8});
    test.params.frequency_penalty = pick({0.0, 0.1, -0.3});
    test.params.presence_penalty = pick({0.0, 0.25, -1.0});
    test.window.resize(engine_() % 40);
    for (std::int32_t& token : test.window) {
      token = static_cast<std::int32_t>(engine_() % (test.logits.size() + 4)) - 2;
    }
  }

  void add_mask(TestRow& test) {
    test.allowed.resize((test.logits.size() + 31) / 32);
    const bool sparse = chance(2);
    for (std::uint32_t& word : test.allowed) {
      word = static_cast<std::uint32_t>(engine_());
      if (sparse) word &= static_cast<std::uint32_t>(engine_() & engine_());
    }
    if (chance(8)) test.allowed.assign(test.allowed.size(), 0);
  }

  std::mt19937_64 engine_;
};

}  // namespace cadenza::test
