// SPDX-License-Identifier: Apache-2.0
#include "nn/recurrent_stack.h"

#include <gtest/gtest.h>

#include "backend/torch_golden.h"
#include "cadenza/error.h"
#include "support/expect_slopes.h"

namespace cadenza {
namespace {

constexpr std::int64_t kSteps = 5, kBatch = 3, kInput = 2, kHidden = 3;

TEST(RecurrentOp, GivesBothStatesTheirGradients) {
  const auto backend = make_backend("reference");
  Arena arena(*backend);
  for (const CellInfo& cell : cells()) {
    const RecurrentStack stack = {.cell = cell.kind, .input = kInput, .hidden = kHidden};
    std::vector<ParameterSpec> specs = {{"x", {kSteps, kBatch, kInput}, 1.0},
                                        {"state", {cell.states, kBatch, kHidden}, 1.0}};
    stack.add_specs(specs);
    Parameters parameters(*backend, DType::f64, specs);
    parameters.initialize(2);
    const std::vector<std::int32_t> lengths = {5, 0, 3};
    test::expect_slopes(
        parameters,
        [&](GradMode mode) {
          arena.reset();
          Tape tape(*backend, arena, DType::f64, mode);
          const Lengths rows = {.device = tape.upload(std::span(lengths), {kBatch}),
                                .host = lengths};
          const RecurrentParameters layer = stack.on(tape, parameters, 0);
          // The second call starts where the first ended, as a decoder does.
          const RecurrentResult first =
              recurrent(tape, stack.spec(0), parameter(tape, parameters, "x"), rows,
                        parameter(tape, parameters, "state"), layer);
          const RecurrentResult second =
              recurrent(tape, stack.spec(0), parameter(tape, parameters, "x"), rows,
                        first.final_state, layer);
          const double sum = test::squares(tape, second.y) + test::squares(tape, first.y) +
                             test::squares(tape, second.final_state);
          tape.backward();
          return sum;
        },
        std::string(cell.name));
  }
}

TEST(Encoder, GradientsMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  Arena arena(*backend);
  for (const CellInfo& cell : cells()) {
    const RecurrentStack stack = {.prefix = "encoder.",
                                  .cell = cell.kind,
                                  .layers = 2,
                                  .input = kInput,
                                  .hidden = kHidden,
                                  .directions = Directions::both};
    std::vector<ParameterSpec> specs = {{"x", {kSteps, kBatch, kInput}, 1.0}};
    stack.add_specs(specs);
    Parameters parameters(*backend, DType::f64, specs);
    parameters.initialize(2);
    const std::vector<std::int32_t> lengths = {5, 1, 3};
    test::expect_slopes(
        parameters,
        [&](GradMode mode) {
          arena.reset();
          Tape tape(*backend, arena, DType::f64, mode);
          const EncoderOutput output = encode(
              tape, parameters, stack,
              {.x = &parameter(tape, parameters, "x"),
               .lengths = lengths,
               .dropout = [](int layer) {
                 return DropoutPlace{.rate = 0.3, .stream = static_cast<std::uint64_t>(layer)};
               }});
          const double sum = test::squares(tape, output.y) + test::squares(tape, output.summary);
          tape.backward();
          return sum;
        },
        std::string(cell.name));
  }
}

/// Two bidirectional layers with lengths as PyTorch computes them, on every backend.
class TorchEncoder : public test::TorchGolden {};

TEST_P(TorchEncoder, AgreesWithPyTorch) {
  const bool exact = dtype() == DType::f64;
  const SafetensorsReader file = test::open_golden("bidirectional");
  const test::HostArray x = test::array_in(file, "x");
  const RecurrentStack stack = {.layers = 2,
                                .input = x.shape[2],
                                .hidden = test::array_in(file, "lstm.weight_hh_l0").shape[1],
                                .directions = Directions::both};
  std::vector<ParameterSpec> specs;
  stack.add_specs(specs);
  Parameters parameters(backend(), dtype(), specs);
  for (const ParameterSpec& spec : specs) {
    parameters.upload(spec.name, test::array_in(file, spec.name).values);
  }
  const auto numbers = test::array_in(file, "lengths").values;
  const std::vector<std::int32_t> lengths(numbers.begin(), numbers.end());
  Arena arena(backend());
  Tape tape(backend(), arena, dtype(), GradMode::none);
  test::Device device(backend(), dtype());
  const EncoderOutput output =
      encode(tape, parameters, stack,
             {.x = &tape.constant(device.put(x)), .lengths = lengths, .dropout = [](int) {
                return DropoutPlace();
              }});
  const auto expect = [&](const std::string& name, const TensorView& got) {
    expect_close("encode", name, test::array_in(file, name), device.get(got), exact ? 1e-13 : 1e-5);
  };
  expect("y", output.y.value());
  expect("summary", output.summary.value());
}

INSTANTIATE_TEST_SUITE_P(Backends, TorchEncoder, testing::ValuesIn(test::every_backend_and_dtype()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
