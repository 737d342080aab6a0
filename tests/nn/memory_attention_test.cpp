// SPDX-License-Identifier: Apache-2.0
#include "nn/memory_attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "nn/recurrent_stack.h"
#include "support/backend_param.h"
#include "support/expect_slopes.h"
#include "support/random_tensor.h"

namespace cadenza {
namespace {

using test::Device;
using test::HostArray;

constexpr std::int64_t kRows = 3, kHidden = 4;

struct Extents {
  std::int64_t steps, memory;
};

/// Less than a block, a block, some blocks; windows that see less than a block and more.
constexpr std::array kExtents = {Extents{1, 1},  Extents{1, 5},  Extents{7, 3},   Extents{16, 2},
                                 Extents{17, 1}, Extents{33, 6}, Extents{35, 20}, Extents{40, 70}};

/// How many steps each row has.
std::vector<std::int32_t> lengths_of(std::int64_t steps) {
  return {static_cast<std::int32_t>(steps), 0, static_cast<std::int32_t>((steps + 1) / 2)};
}

/// x [.., B, H] of row b at `step`.
std::vector<double> vector_at(const HostArray& x, std::int64_t step, std::int64_t b) {
  const auto begin = x.values.begin() + (step * kRows + b) * kHidden;
  return {begin, begin + kHidden};
}

/// w [rows, n] times x [n].
std::vector<double> times(const HostArray& w, const std::vector<double>& x) {
  std::vector<double> y;
  for (std::size_t row = 0; row < w.values.size() / x.size(); ++row) {
    double sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += w.values[row * x.size() + i] * x[i];
    y.push_back(sum);
  }
  return y;
}

/// The whole definition for one step: `past` are the outputs of the steps before, the last M.
std::vector<double> by_hand(const test::Arrays& in, const std::vector<std::vector<double>>& past,
                            const std::vector<double>& h) {
  const std::vector<double> query = times(in.at("query"), h);
  std::vector<double> context(kHidden, 0.0);
  double total = 0.0;
  for (const std::vector<double>& output : past) {
    double score = 0.0;
    for (std::size_t i = 0; i < output.size(); ++i) score += query[i] * output[i];
    for (std::size_t i = 0; i < output.size(); ++i) context[i] += std::exp(score) * output[i];
    total += std::exp(score);
  }
  for (double& value : context) value /= total;
  context.insert(context.end(), h.begin(), h.end());
  std::vector<double> result = times(in.at("weight"), context);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] += in.at("bias").values[i];
  return result;
}

test::Arrays arrays(const Extents& extents) {
  test::RandomArrays random(31);
  test::Arrays all = {{"y", random.real({extents.steps, kRows, kHidden})},
                      {"memory", random.real({extents.memory, kRows, kHidden})},
                      {"query", random.real({kHidden, kHidden}, -2.0, 2.0)},
                      {"weight", random.real({kHidden, 2 * kHidden})},
                      {"bias", random.real({kHidden})}};
  return all;
}

class MemoryAttention : public test::BackendTest {};

TEST_P(MemoryAttention, LooksThroughAWindowOfItsOwnAtEveryStep) {
  for (const Extents& extents : kExtents) {
    const test::Arrays in = arrays(extents);
    Device device(backend(), DType::f32);
    Arena arena(backend());
    Tape tape(backend(), arena, DType::f32, GradMode::none);
    const TensorView memory = device.put(in, "memory");
    const std::vector<std::int32_t> lengths = lengths_of(extents.steps);
    const auto constant = [&](const char* name) { return &tape.constant(device.put(in, name)); };
    const HostArray got = device.get(
        attend_to_memory(tape, *constant("y"), memory,
                         {.device = tape.upload(std::span(lengths), {kRows}), .host = lengths},
                         {constant("query"), {constant("weight"), constant("bias")}})
            .value());
    const HostArray after = device.get(memory);
    for (std::int64_t b = 0; b < kRows; ++b) {
      std::vector<std::vector<double>> past;
      for (std::int64_t m = 0; m < extents.memory; ++m) {
        past.push_back(vector_at(in.at("memory"), m, b));
      }
      const auto last = [&] {
        return std::vector(past.end() - static_cast<std::ptrdiff_t>(extents.memory), past.end());
      };
      for (std::int64_t t = 0; t < lengths[static_cast<std::size_t>(b)]; ++t) {
        const std::vector<double> h = vector_at(in.at("y"), t, b);
        const std::vector<double> expected = by_hand(in, last(), h);
        const std::vector<double> found = vector_at(got, t, b);
        for (std::size_t i = 0; i < found.size(); ++i) {
          EXPECT_NEAR(found[i], expected[i], 1e-4)
              << extents.steps << " steps, memory " << extents.memory << ", step " << t << ", row "
              << b << ", " << i;
        }
        past.push_back(h);
      }
      const std::vector<std::vector<double>> kept = last();
      for (std::size_t m = 0; m < kept.size(); ++m) {
        EXPECT_EQ(vector_at(after, static_cast<std::int64_t>(m), b), kept[m])
            << extents.steps << " steps, slot " << m << " of " << extents.memory << ", row " << b;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, MemoryAttention, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

TEST(MemoryAttentionOp, GradientsMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  Arena arena(*backend);
  for (const Extents& extents : {Extents{3, 5}, Extents{18, 4}}) {
    std::vector<ParameterSpec> specs = {{"y", {extents.steps, kRows, kHidden}, 1.0},
                                        {"query", {kHidden, kHidden}, 2.0}};
    add_linear_specs(specs, "output.", 2 * kHidden, kHidden);
    Parameters parameters(*backend, DType::f64, specs);
    parameters.initialize(4);
    const HostArray before = arrays(extents).at("memory");
    test::expect_slopes(
        parameters,
        [&](GradMode mode) {
          arena.reset();
          Tape tape(*backend, arena, DType::f64, mode);
          Device device(*backend, DType::f64);
          Variable& y =
              attend_to_memory(tape, parameter(tape, parameters, "y"), device.put(before), {},
                               {&parameter(tape, parameters, "query"),
                                linear_parameters(tape, parameters, "output.")});
          const double sum = test::squares(tape, y);
          tape.backward();
          return sum;
        },
        "memory attention");
  }
}

}  // namespace
}  // namespace cadenza
