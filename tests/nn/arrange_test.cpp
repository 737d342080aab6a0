// SPDX-License-Identifier: Apache-2.0
#include "nn/arrange.h"

#include <gtest/gtest.h>

#include "nn/ops.h"
#include "support/expect_slopes.h"

namespace cadenza {
namespace {

class Arrange : public testing::Test {
 protected:
  Arrange()
      : backend_(make_backend("reference")),
        arena_(*backend_),
        parameters_(*backend_, DType::f64, {{"a", {3, 2, 2}, 1.0}, {"b", {3, 2, 3}, 1.0}}) {
    parameters_.initialize(3);
  }

  using Build = std::function<Variable&(Tape&, Variable& a, Variable& b)>;
  std::vector<double> values(const Build& build) {
    std::vector<double> result;
    run(GradMode::none, [&](Tape& tape, Variable& a, Variable& b) -> Variable& {
      Variable& y = build(tape, a, b);
      result = download_real(*backend_, y.value());
      return y;
    });
    return result;
  }
  double run(GradMode mode, const Build& build) {
    arena_.reset();
    Tape tape(*backend_, arena_, DType::f64, mode);
    const auto at = [&](const char* name) -> Variable& {
      return tape.parameter(parameters_.value(name), parameters_.gradient(name));
    };
    Variable& y = build(tape, at("a"), at("b"));
    const double sum = test::squares(tape, activation(tape, y, Activation::tanh));
    tape.backward();
    return sum;
  }
  void expect_gradients(const Build& build, const char* what) {
    test::expect_slopes(
        parameters_, [&](GradMode mode) { return run(mode, build); }, what);
  }

  std::unique_ptr<Backend> backend_;
  Arena arena_;
  Parameters parameters_;
};

TEST_F(Arrange, SliceTakesStepsAndGivesTheirGradientsBack) {
  const auto build = [](Tape& tape, Variable& a, Variable&) -> Variable& {
    return stack(tape, {&slice(tape, a, 1, 2), &slice(tape, a, 0, 2)});
  };
  const auto a = parameters_.download("a");
  auto expected = std::vector<double>(a.begin() + 4, a.end());
  expected.insert(expected.end(), a.begin(), a.begin() + 8);
  EXPECT_EQ(values(build), expected);
  expect_gradients(build, "slice and stack");
}

TEST_F(Arrange, JoinColumnsPutsRowsSideBySide) {
  const auto build = [](Tape& tape, Variable& a, Variable& b) -> Variable& {
    return join_columns(tape, {&a, &b, &a});
  };
  const auto a = parameters_.download("a");
  const auto b = parameters_.download("b");
  const auto joined = values(build);
  ASSERT_EQ(joined.size(), 42U);
  for (std::size_t row = 0; row < 6; ++row) {
    EXPECT_EQ(joined[7 * row + 1], a[2 * row + 1]);
    EXPECT_EQ(joined[7 * row + 4], b[3 * row + 2]);
    EXPECT_EQ(joined[7 * row + 5], a[2 * row]);
  }
  expect_gradients(build, "join_columns");
}

TEST_F(Arrange, GatherRowsTakesRowsOfAnyWidthAndZeros) {
  const auto build = [](Tape& tape, Variable& a, Variable&) -> Variable& {
    const std::vector<std::int32_t> ids = {2, -1, 2, 0};
    return gather_rows(tape, a, tape.upload(std::span(ids), {4}), {2, 2, 4});
  };
  const auto a = parameters_.download("a");
  const auto rows = values(build);
  EXPECT_EQ(std::vector<double>(rows.begin(), rows.begin() + 4),
            std::vector<double>(a.begin() + 8, a.begin() + 12));
  EXPECT_EQ(std::vector<double>(rows.begin() + 4, rows.begin() + 8), std::vector<double>(4, 0.0));
  expect_gradients(build, "gather_rows");
}

TEST_F(Arrange, ReshapeKeepsTheElements) {
  const auto build = [](Tape& tape, Variable& a, Variable&) -> Variable& {
    return reshape(tape, a, {6, 2});
  };
  EXPECT_EQ(values(build), parameters_.download("a"));
  expect_gradients(build, "reshape");
}

TEST_F(Arrange, LeavesConstantsAlone) {
  expect_gradients(
      [](Tape& tape, Variable& a, Variable& b) -> Variable& {
        const std::vector<float> numbers(12, 0.5F);
        Variable& fixed = tape.constant(tape.upload(std::span(numbers), a.value().shape));
        const std::vector<std::int32_t> ids = {1, 1};
        Variable& rows = gather_rows(tape, fixed, tape.upload(std::span(ids), {2}), {1, 2, 2});
        return join_columns(tape, {&stack(tape, {&rows, &slice(tape, fixed, 0, 2)}), &b});
      },
      "constants");
}

}  // namespace
}  // namespace cadenza
