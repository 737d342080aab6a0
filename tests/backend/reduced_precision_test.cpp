// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/host_copy.h"
#include "nn/recurrent_stack.h"
#include "support/backend_param.h"
#include "support/random_tensor.h"

// What each precision costs a network as a whole: embedding, recurrent layer, dense layer and
// softmax loss over 64 steps, against the same in f64 on the reference. Errors are relative L2; in
// 16 bits single values may be off by far more than all together.

namespace cadenza {
namespace {

constexpr std::int64_t kUnrolledSteps = 64, kBatch = 6, kHidden = 32, kEmbedding = 16,
                       kVocabulary = 24;

struct Bounds {
  double values;      // of h, the final states and, but in bf16, logits
  double gradients;   // all in one
  double gradient;    // of each parameter
  int fraction_bits;  // weights are rounded to so many
};

/// bf16 is compared on weights that it holds exactly, else their rounding would be most of the
/// error; there 1e-4 nats between the distributions stand for an error of logits. fp16 has as many
/// bits of fraction as tf32.
Bounds bounds_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
    case Precision::int24:
      return {1e-5, 1e-4, 1e-4, 23};
    case Precision::tf32:
    case Precision::fp16:
      return {1e-3, 5e-3, 5e-3, 23};
    default:
      return {5e-3, 3e-2, 6e-2, 7};
  }
}

double rounded(double value, int fraction_bits) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, fraction_bits + 1)),
                    exponent - fraction_bits - 1);
}

using Values = std::vector<double>;

struct Results {
  Values h, final_state, logits;
  std::vector<std::pair<std::string, Values>> gradients;
};

std::vector<ParameterSpec> specs_of(const RecurrentStack& stack) {
  std::vector<ParameterSpec> specs = {{"embedding", {kVocabulary, kEmbedding}, 1.0}};
  stack.add_specs(specs);
  add_linear_specs(specs, "output.", kHidden, kVocabulary);
  // Further from zero than at the start of training, so that cells and distributions are not flat.
  for (ParameterSpec& spec : specs) spec.bound = std::min(3.0 * spec.bound, 1.0);
  return specs;
}

Results run(Backend& backend, DType dtype, CellKind cell, int fraction_bits) {
  const RecurrentStack stack = {.cell = cell, .input = kEmbedding, .hidden = kHidden};
  Parameters parameters(backend, dtype, specs_of(stack));
  parameters.initialize(3);
  for (const ParameterSpec& spec : parameters.specs()) {
    Values values = parameters.download(spec.name);
    for (double& value : values) value = rounded(value, fraction_bits);
    parameters.upload(spec.name, values);
  }
  test::RandomArrays random(4);
  const auto draw_ids = [&] {
    const Values ids = random.ids({kUnrolledSteps * kBatch}, 0, kVocabulary).values;
    return std::vector<std::int32_t>(ids.begin(), ids.end());
  };
  Arena arena(backend);
  Tape tape(backend, arena, dtype, GradMode::record);
  Variable& x = embedding(tape, tape.upload(draw_ids(), {kUnrolledSteps, kBatch}),
                          parameter(tape, parameters, "embedding"));
  Variable& before = tape.constant(tape.allocate({info_of(cell).states, kBatch, kHidden}));
  backend.fill(before.value(), 0.0);
  const auto [h, final_state] =
      recurrent(tape, stack.spec(0), x, {}, before, stack.on(tape, parameters, 0));
  Variable& logits = linear(tape, h, linear_parameters(tape, parameters, "output."));
  Results results = {download_real(backend, h.value()),
                     download_real(backend, final_state.value()),
                     download_real(backend, logits.value()),
                     {}};
  softmax_loss(tape, logits, tape.upload(draw_ids(), {kUnrolledSteps * kBatch}), {},
               1.0 / static_cast<double>(kUnrolledSteps * kBatch));
  tape.backward();
  for (const ParameterSpec& spec : parameters.specs()) {
    results.gradients.emplace_back(spec.name,
                                   download_real(backend, parameters.gradient(spec.name)));
  }
  return results;
}

double dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double relative_error(const Values& expected, const Values& got) {
  Values error = got;
  for (std::size_t i = 0; i < error.size(); ++i) error[i] -= expected[i];
  return std::sqrt(dot(error, error) / dot(expected, expected));
}

Values all_of(const Results& results) {
  Values all;
  for (const auto& [name, gradient] : results.gradients) {
    all.insert(all.end(), gradient.begin(), gradient.end());
  }
  return all;
}

/// Nats, of the softmax of rows [V].
double mean_divergence(const Values& expected, const Values& got) {
  double sum = 0.0;
  for (std::size_t row = 0; row < expected.size(); row += kVocabulary) {
    const auto log_sum = [row](const Values& logits) {
      double total = 0.0;
      for (std::size_t i = row; i < row + kVocabulary; ++i) total += std::exp(logits[i]);
      return std::log(total);
    };
    const double of_expected = log_sum(expected);
    const double of_got = log_sum(got);
    for (std::size_t i = row; i < row + kVocabulary; ++i) {
      const double log_p = expected[i] - of_expected;
      sum += std::exp(log_p) * (log_p - (got[i] - of_got));
    }
  }
  return sum * kVocabulary / static_cast<double>(expected.size());
}

/// The error that one logit in a hundred exceeds, in parts of their root mean square.
double error_of_the_worst_hundredth(const Values& expected, const Values& got) {
  Values errors;
  for (std::size_t i = 0; i < got.size(); ++i) errors.push_back(std::abs(got[i] - expected[i]));
  const auto place = errors.end() - static_cast<std::ptrdiff_t>(errors.size() / 100);
  std::nth_element(errors.begin(), place, errors.end());
  return *place / std::sqrt(dot(expected, expected) / static_cast<double>(expected.size()));
}

class ReducedPrecision : public test::BackendTest {
 protected:
  void expect_within_bounds(CellKind cell) {
    const Bounds bounds = bounds_of(GetParam().precision);
    const auto reference = make_backend("reference");
    const Results expected = run(*reference, DType::f64, cell, bounds.fraction_bits);
    const Results got = run(backend(), DType::f32, cell, bounds.fraction_bits);
    EXPECT_LE(relative_error(expected.h, got.h), bounds.values);
    EXPECT_LE(relative_error(expected.final_state, got.final_state), bounds.values);
    if (GetParam().precision != Precision::bf16) {
      EXPECT_LE(relative_error(expected.logits, got.logits), bounds.values);
    }
    EXPECT_LE(mean_divergence(expected.logits, got.logits), 1e-4);
    EXPECT_LE(error_of_the_worst_hundredth(expected.logits, got.logits), 0.05);
    const Values whole = all_of(expected);
    const Values whole_got = all_of(got);
    EXPECT_LE(relative_error(whole, whole_got), bounds.gradients);
    EXPECT_GE(dot(whole, whole_got) / std::sqrt(dot(whole, whole) * dot(whole_got, whole_got)),
              0.999);
    for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
      const auto& [name, gradient] = expected.gradients[i];
      EXPECT_LE(relative_error(gradient, got.gradients[i].second), bounds.gradient) << name;
    }
  }
};

TEST_P(ReducedPrecision, OfAnLstm) { expect_within_bounds(CellKind::lstm); }

TEST_P(ReducedPrecision, OfAGru) { expect_within_bounds(CellKind::gru); }

INSTANTIATE_TEST_SUITE_P(Backends, ReducedPrecision,
                         testing::ValuesIn(test::every_backend_but_reference()),
                         test::name_of_param);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ReducedPrecision);

}  // namespace
}  // namespace cadenza
