// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "backend/codes.h"
#include "backend/cpu_targets.h"
#include "backend/generation_fixture.h"
#include "cadenza/error.h"
#include "support/expect_error.h"

// The narrow formats of the cpu backend against a plain reading of their definition
// (backend/cpu/products.h). That generation is made of the operations tested here is tested by
// cpu_generate_test.cpp.

namespace cadenza {
namespace {

using test::Codes;
using test::codes_at;
using test::Device;
using test::HostArray;
using test::RandomArrays;

constexpr Precision kNarrowFormats[] = {Precision::bf16, Precision::int24, Precision::int16,
                                        Precision::int8};
constexpr Precision kIntegers[] = {Precision::int24, Precision::int16, Precision::int8};

float levels_of(Precision format) {
  switch (format) {
    case Precision::int24:
      return 8323072.0F;
    case Precision::int16:
      return 8192.0F;
    default:
      return 127.0F;
  }
}

float most_weight_of(Precision format) {
  return format == Precision::int16 ? 32639.0F : levels_of(format);
}

Codes codes_of_factors(const std::vector<float>& x, Precision format) {
  const float levels = levels_of(format);
  int exponent = 0;
  for (const float value : x) {
    while (std::fabs(value) > std::ldexp(1.0F, exponent)) ++exponent;
  }
  return codes_at(x, std::ldexp(levels, -exponent), std::ldexp(1.0F, exponent) / levels);
}

Codes codes_of_weights(const std::vector<float>& w, Precision format) {
  float most = 0.0F;
  float most_of_neighbours = 0.0F;
  float parts[16] = {};
  double sum = 0.0;
  const std::size_t whole = w.size() / 16 * 16;
  for (std::size_t k = 0; k < w.size(); ++k) {
    most = std::max(most, std::fabs(w[k]));
    const float next = k + 1 < w.size() ? std::fabs(w[k + 1]) : 0.0F;
    if (k % 2 == 0) most_of_neighbours = std::max(most_of_neighbours, std::fabs(w[k]) + next);
    if (k < whole) {
      parts[k % 16] += std::fabs(w[k]);
    } else {
      sum += std::fabs(w[k]);
    }
  }
  for (const float part : parts) sum += part;
  const double room = 262015.0 - 0.5 * static_cast<double>(w.size());
  const float limited = format == Precision::int8 ? most_of_neighbours : most;
  const double for_code = limited / most_weight_of(format);
  const double for_sum = format == Precision::int24 ? 0.0 : sum / room;
  auto step = static_cast<float>(std::max(for_code, for_sum));
  if (step == 0.0F) step = 1.0F;
  return codes_at(w, 1.0F / step, step);
}

float as_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
}

/// start + x . w
float product(const std::vector<float>& x, const std::vector<float>& w, Precision format,
              float start) {
  if (format == Precision::bf16) {
    for (std::size_t k = 0; k < x.size(); ++k) start = std::fma(x[k], as_bf16(w[k]), start);
    return start;
  }
  const Codes factors = codes_of_factors(x, format);
  const Codes weights = codes_of_weights(w, format);
  if (format == Precision::int24) {
    return std::fma(test::sum_by_digits(factors.values, weights.values),
                    factors.step * (weights.step * 65536.0F), start);
  }
  std::int64_t sum = 0;
  std::int64_t magnitude = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    sum += factors.values[k] * weights.values[k];
    magnitude += std::abs(weights.values[k]);
  }
  EXPECT_LT(magnitude, 1 << 18);
  for (std::size_t k = 0; format == Precision::int8 && k + 1 < x.size(); k += 2) {
    EXPECT_LE(std::abs(weights.values[k]) + std::abs(weights.values[k + 1]), 128);
  }
  return std::fma(static_cast<float>(sum), factors.step * weights.step, start);
}

std::vector<float> row_of(const HostArray& array, std::int64_t row) {
  const auto begin = array.values.begin() + row * array.shape[1];
  return {begin, begin + array.shape[1]};
}

TEST(CpuNarrow, ProductsAreThoseOfTheDefinitionOnEveryTarget) {
  struct Size {
    std::int64_t rows, depth, outputs;
  };
  const Size sizes[] = {{1, 1, 1},   {2, 3, 5},     {3, 64, 33},  {4, 70, 17}, {13, 200, 40},
                        {17, 31, 7}, {40, 513, 65}, {50, 9, 130}, {1, 257, 97}};
  test::for_each_target([&](const char* target) {
    for (const Precision format : kNarrowFormats) {
      const auto backend = make_backend("cpu", {.threads = 2, .precision = format});
      for (const Size& size : sizes) {
        RandomArrays random(3);
        const double most = size.rows % 2 == 0 ? 1.0 : 5.0;
        HostArray x = random.real({size.rows, size.depth}, -most, most);
        if (size.rows > 2) {  // a power of two is its row's bound itself
          x.values[0] = 8.0;
          x.values[1] = -8.0;
        }
        const HostArray w = random.real({size.outputs, size.depth}, -0.3, 0.3);
        const HostArray bias = random.real({size.outputs});
        Device device(*backend, DType::f32);
        const TensorView y = device.garbage({size.rows, size.outputs});
        backend->matmul({.a = device.put(x),
                         .b = device.put(w),
                         .c = y,
                         .transpose_b = Transpose::yes,
                         .bias = device.put(bias),
                         .order = SumOrder::fixed});
        const std::vector<double> computed = device.get(y).values;
        for (std::int64_t i = 0; i < size.rows; ++i) {
          for (std::int64_t j = 0; j < size.outputs; ++j) {
            const auto start = static_cast<float>(bias.values[static_cast<std::size_t>(j)]);
            ASSERT_EQ(computed[static_cast<std::size_t>(i * size.outputs + j)],
                      product(row_of(x, i), row_of(w, j), format, start))
                << target << ", " << name_of(format) << ", [" << size.rows << ", " << size.depth
                << "] x [" << size.outputs << "], element " << i << ", " << j;
          }
        }
      }
    }
  });
}

TEST(CpuNarrow, SumsDoNotOverflow) {
  constexpr std::int64_t kDepth = 20000;
  test::for_each_target([&](const char* target) {
    for (const Precision format : kIntegers) {
      const auto backend = make_backend("cpu", {.threads = 1, .precision = format});
      Device device(*backend, DType::f32);
      const TensorView y = device.garbage({1, 2});
      HostArray w = test::filled({2, kDepth}, 1.0);
      std::fill(w.values.begin() + kDepth, w.values.end(), -1.0);
      backend->matmul({.a = device.put(test::filled({1, kDepth}, 1.0)),
                       .b = device.put(w),
                       .c = y,
                       .transpose_b = Transpose::yes});
      EXPECT_NEAR(device.get(y).values[0], kDepth, 0.05 * kDepth) << target;
      EXPECT_NEAR(device.get(y).values[1], -kDepth, 0.05 * kDepth) << target;
    }
  });
}

TEST(CpuNarrow, NeighboursOfTheGreatestCodesAddUpExactly) {
  const std::vector<float> x(64, 1.0F);
  std::vector<float> w(64, 0.5F);
  test::for_each_target([&](const char* target) {
    for (const Precision format : kIntegers) {
      const auto backend = make_backend("cpu", {.threads = 1, .precision = format});
      for (const std::int64_t rows : {1, 2, 3, 7}) {
        for (const float sign : {1.0F, -1.0F}) {
          std::fill(w.begin(), w.end(), 0.5F * sign);
          Device device(*backend, DType::f32);
          const TensorView y = device.garbage({rows, 1});
          backend->matmul({.a = device.put(test::filled({rows, 64}, 1.0)),
                           .b = device.put(test::filled({1, 64}, 0.5 * sign)),
                           .c = y,
                           .transpose_b = Transpose::yes,
                           .order = SumOrder::fixed});
          for (const double value : device.get(y).values) {
            EXPECT_EQ(value, product(x, w, format, 0.0F)) << target << ", " << name_of(format);
          }
        }
      }
    }
  });
}

/// w as the format has it, in numbers.
HostArray rounded(const HostArray& w, Precision format) {
  HostArray result = w;
  for (std::int64_t row = 0; row < w.shape[0]; ++row) {
    const std::vector<float> values = row_of(w, row);
    const Codes codes = codes_of_weights(values, format);
    for (std::size_t k = 0; k < values.size(); ++k) {
      const std::size_t place = static_cast<std::size_t>(row) * values.size() + k;
      result.values[place] = format == Precision::bf16
                                 ? as_bf16(values[k])
                                 : static_cast<double>(codes.values[k]) * codes.step;
    }
  }
  return result;
}

struct Layer {
  RecurrentSpec spec;
  HostArray w_ih, w_hh, b_ih, b_hh;

  Layer(CellKind cell, std::int64_t input, std::int64_t hidden) : spec{cell, input, hidden} {
    RandomArrays random(9);
    const std::int64_t rows = info_of(cell).gates * hidden;
    w_ih = random.real({rows, input}, -0.4, 0.4);
    w_hh = random.real({rows, hidden}, -0.4, 0.4);
    b_ih = random.real({rows}, -0.4, 0.4);
    b_hh = random.real({rows}, -0.4, 0.4);
  }
  RecurrentWeights put(Device& device) const {
    return {device.put(w_ih), device.put(w_hh), device.put(b_ih), device.put(b_hh)};
  }
};

/// Multiples of the step of factors in [-1, 1], which their codes hold exactly.
HostArray exact_factors(RandomArrays& random, const Shape& shape, Precision format) {
  const double levels = levels_of(format);
  HostArray array =
      random.ids(shape, static_cast<std::int64_t>(-levels), static_cast<std::int64_t>(levels) + 1);
  array.dtype = DType::f64;
  for (double& value : array.values) value = static_cast<float>(value / levels);
  return array;
}

TEST(CpuNarrow, AStepIsThatOfTheReferenceWithRoundedWeights) {
  constexpr std::int64_t kBatch = 5;
  const auto reference = make_backend("reference");
  for (const Precision format : kNarrowFormats) {
    const auto backend = make_backend("cpu", {.threads = 2, .precision = format});
    for (const CellInfo& cell : cells()) {
      Layer layer(cell.kind, 23, 41);
      RandomArrays random(2);
      const HostArray x = exact_factors(random, {kBatch, layer.spec.input}, format);
      const HostArray state =
          exact_factors(random, {cell.states, kBatch, layer.spec.hidden}, format);
      Device device(*backend, DType::f32);
      const TensorView computed = device.put(state);
      backend->recurrent_step(layer.spec, {device.put(x), computed, layer.put(device)});
      layer.w_ih = rounded(layer.w_ih, format);
      layer.w_hh = rounded(layer.w_hh, format);
      Device plain(*reference, DType::f32);
      const TensorView expected = plain.put(state);
      reference->recurrent_step(layer.spec, {plain.put(x), expected, layer.put(plain)});
      const HostArray wanted = plain.get(expected);
      const HostArray got = device.get(computed);
      for (std::size_t i = 0; i < wanted.values.size(); ++i) {
        ASSERT_NEAR(got.values[i], wanted.values[i], 4e-6)
            << name_of(format) << ", " << cell.name << ", element " << i;
      }
    }
  }
}

TEST(CpuNarrow, ASequenceIsItsSteps) {
  constexpr std::int64_t kSteps = 5;
  constexpr std::int64_t kBatch = 4;
  const std::vector<double> lengths = {5, 0, 2, 4};
  for (const Precision format : kNarrowFormats) {
    const auto backend = make_backend("cpu", {.threads = 2, .precision = format});
    for (const CellInfo& cell : cells()) {
      for (const bool ids : {false, true}) {
        const Layer layer(cell.kind, 11, 19);
        const std::int64_t hidden = layer.spec.hidden;
        RandomArrays random(4);
        Device device(*backend, DType::f32);
        const RecurrentWeights weights = layer.put(device);
        const TensorView x =
            device.put(ids ? random.ids({kSteps, kBatch}, -1, layer.spec.input)
                           : random.real({kSteps, kBatch, layer.spec.input}, -2.0, 2.0));
        const HostArray initial = random.real({cell.states, kBatch, hidden});
        const TensorView y = device.garbage({kSteps, kBatch, hidden});
        const TensorView last = device.garbage(initial.shape);
        backend->recurrent_forward(layer.spec,
                                   {.x = x,
                                    .lengths = device.put({{kBatch}, DType::i32, lengths}),
                                    .initial_state = device.put(initial),
                                    .weights = weights,
                                    .y = y,
                                    .final_state = last});
        std::vector<double> expected_last = initial.values;
        const std::vector<double> all = device.get(y).values;
        const TensorView state = device.put(initial);
        for (std::int64_t t = 0; t < kSteps; ++t) {
          backend->recurrent_step(layer.spec, {x.at(t), state, weights});
          const std::vector<double> now = device.get(state).values;
          for (std::int64_t i = 0; i < static_cast<std::int64_t>(now.size()); ++i) {
            const std::int64_t row = i / hidden % kBatch;
            const bool goes_on = static_cast<double>(t) < lengths[static_cast<std::size_t>(row)];
            const auto place = static_cast<std::size_t>(i);
            if (goes_on) expected_last[place] = now[place];
            if (i >= kBatch * hidden) continue;  // c
            ASSERT_EQ(all[static_cast<std::size_t>(t * kBatch * hidden + i)],
                      goes_on ? now[place] : 0.0)
                << name_of(format) << ", " << cell.name << ", step " << t << ", row " << row;
          }
        }
        ASSERT_EQ(device.get(last).values, expected_last) << name_of(format) << ", " << cell.name;
      }
    }
  }
}

TEST(CpuNarrow, SongsDoNotDependOnTheBatch) {
  using Head = GenerationNetwork::Head;
  for (const Precision format : kNarrowFormats) {
    for (const CellInfo& cell : cells()) {
      const test::NetworkArrays network = test::make_network(Head::softmax, cell.kind, true, 31);
      const auto backend = make_backend("cpu", {.threads = 2, .precision = format});
      test::Generation many(*backend, network, {.batch = 50});
      test::Generation few(*backend, network, {.batch = 3, .first = 17});
      many.run(7);
      few.run(7);
      EXPECT_EQ(test::rows_of(many.drawn(), 17, 3, 1).values, few.drawn().values)
          << name_of(format) << ", " << cell.name;
    }
  }
}

TEST(CpuNarrow, TellsWhichProductsAreTooDeepForInt24) {
  const auto backend = make_backend("cpu", {.threads = 1, .precision = Precision::int24});
  Device device(*backend, DType::f32);
  const HostArray deep = test::filled({1, 43001}, 1.0);
  test::expect_error<ArgumentError>(
      [&] {
        backend->matmul({.a = device.put(deep),
                         .b = device.put(deep),
                         .c = device.garbage({1, 1}),
                         .transpose_b = Transpose::yes});
      },
      "int24: a product sums 43001 weights, expected at most 43000; fp32 sums any number");
}

TEST(CpuNarrow, DoesNotTrain) {
  const auto backend = make_backend("cpu", {.threads = 1, .precision = Precision::int16});
  EXPECT_FALSE(backend->trains());
  EXPECT_TRUE(make_backend("cpu")->trains());
  EXPECT_TRUE(make_backend("cpu", {.precision = Precision::int24})->trains());
  Device device(*backend, DType::f32);
  const Layer layer(CellKind::lstm, 3, 4);
  const TensorView x = device.put(test::filled({2, 1, 3}, 0.5));
  const TensorView y = device.garbage({2, 1, 4});
  const auto bytes =
      static_cast<std::int64_t>(backend->recurrent_reserve_bytes(layer.spec, 2, 1, DType::f32));
  const TensorView reserve = device.allocate({bytes}, DType::u8);
  const RecurrentWeights weights = layer.put(device);
  test::expect_error<ArgumentError>(
      [&] {
        backend->recurrent_forward(layer.spec,
                                   {.x = x, .weights = weights, .y = y, .reserve = reserve});
      },
      "recurrent_forward: backend 'cpu' in int16 keeps nothing for a way back");
  test::expect_error<ArgumentError>(
      [&] {
        backend->recurrent_backward(layer.spec, {.x = x,
                                                 .weights = weights,
                                                 .y = y,
                                                 .reserve = reserve,
                                                 .dy = y,
                                                 .d_weights = weights});
      },
      "recurrent_backward: backend 'cpu' does not train in int16, expected fp32 or int24");
}

}  // namespace
}  // namespace cadenza
