// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cadenza/backend.h"
#include "cadenza/parameters.h"
#include "cadenza/tape.h"
#include "nn/host_copy.h"
#include "nn/ops.h"

namespace cadenza {
namespace {

constexpr std::int64_t kSteps = 3, kBatch = 2, kMemory = 4, kWidth = 5;

/// What stands for queries, keys and values.
enum class Places { apart, values_are_keys, all_one, constant_memory };

/// f = sum of squares of the context, as a function of the parameters.
class Model {
 public:
  Model(AttentionKind kind, Places places)
      : backend_(make_backend("reference")),
        arena_(*backend_),
        parameters_(*backend_, DType::f64,
                    {{"queries", {kSteps, kBatch, kWidth}, 1.0},
                     {"keys", {kMemory, kBatch, kWidth}, 1.0},
                     {"values", {kMemory, kBatch, kWidth}, 1.0},
                     {"v", {kWidth}, 1.0}}),
        kind_(kind),
        places_(places) {
    parameters_.initialize(11);
    parameters_.zero_gradients();
  }

  Parameters& parameters() { return parameters_; }
  Backend& backend() { return *backend_; }

  double run(GradMode mode) {
    arena_.reset();
    Tape tape(*backend_, arena_, DType::f64, mode);
    const auto parameter = [&](const char* name) {
      return &tape.parameter(parameters_.value(name), parameters_.gradient(name));
    };
    AttentionInputs inputs = {.queries = parameter("queries")};
    inputs.keys = places_ == Places::all_one           ? inputs.queries
                  : places_ == Places::constant_memory ? &tape.constant(parameters_.value("keys"))
                                                       : parameter("keys");
    inputs.values = places_ == Places::apart ? parameter("values") : inputs.keys;
    inputs.lengths = tape.upload(std::vector<std::int32_t>{2, 3}, {kBatch});
    const AttentionScore score = {.kind = kind_,
                                  .v = kind_ == AttentionKind::additive ? parameter("v") : nullptr,
                                  .scale = 0.75};
    Variable& context = attention(tape, score, inputs).context;
    Variable& flat = activation(tape, context, Activation::tanh);
    return square(tape, flat);
  }

 private:
  double square(Tape& tape, Variable& x) {
    double sum = 0.0;
    for (const double value : download_real(*backend_, x.value())) sum += value * value;
    tape.contribute(x, [&](const TensorView& gradient) {
      backend_->fill(gradient, 0.0);
      backend_->add(x.value(), gradient, 2.0);
    });
    tape.backward();
    return sum;
  }

  std::unique_ptr<Backend> backend_;
  Arena arena_;
  Parameters parameters_;
  AttentionKind kind_;
  Places places_;
};

void expect_gradients(AttentionKind kind, Places places, std::initializer_list<const char*> names) {
  Model model(kind, places);
  Parameters& parameters = model.parameters();
  model.run(GradMode::record);
  for (const char* name : names) {
    const std::vector<double> gradient = download_real(model.backend(), parameters.gradient(name));
    std::vector<double> values = parameters.download(name);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double original = values[i];
      constexpr double kStep = 1e-5;
      const auto at = [&](double value) {
        values[i] = value;
        parameters.upload(name, values);
        return model.run(GradMode::none);
      };
      const double up = at(original + kStep);
      const double down = at(original - kStep);
      at(original);
      EXPECT_NEAR(gradient[i], (up - down) / (2 * kStep), 1e-8) << name << "[" << i << "]";
    }
  }
}

TEST(AttentionOp, GivesEachInputItsGradient) {
  expect_gradients(AttentionKind::dot, Places::apart, {"queries", "keys", "values"});
  expect_gradients(AttentionKind::additive, Places::apart, {"queries", "keys", "values", "v"});
}

TEST(AttentionOp, AddsTheGradientsOfOneVariableInSeveralPlaces) {
  for (const AttentionKind kind : {AttentionKind::dot, AttentionKind::additive}) {
    expect_gradients(kind, Places::values_are_keys, {"queries", "keys"});
    expect_gradients(kind, Places::all_one, {"queries"});
  }
}

TEST(AttentionOp, LeavesConstantsAlone) {
  expect_gradients(AttentionKind::additive, Places::constant_memory, {"queries", "v"});
}

}  // namespace
}  // namespace cadenza
