// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backend/generation_fixture.h"
#include "support/backend_param.h"

// What generation is made of: a row's result has the same bytes alone and in a batch of 256, with
// one thread and with two.

namespace cadenza {
namespace {

using test::Arrays;
using test::Device;
using test::HostArray;

constexpr std::int64_t kBatch = 256;

/// An operation on rows; inputs and outputs are split along the dimension given with their name.
struct RowCase {
  struct Input {
    HostArray array;
    int dimension;  ///< of the rows; -1: shared by all
  };
  std::string name;
  std::map<std::string, Input> inputs;
  /// Bytes of every output, one entry a row: `first` is the number of the first row.
  std::function<std::vector<HostArray>(Device&, const Arrays&, std::int64_t first)> run;
  int output_dimension = 0;
};

std::vector<HostArray> run_rows(Backend& backend, const RowCase& row_case, std::int64_t first,
                                std::int64_t count) {
  Device device(backend, DType::f32);
  Arrays inputs;
  for (const auto& [name, input] : row_case.inputs) {
    inputs[name] = input.dimension < 0 ? input.array
                                       : test::rows_of(input.array, first, count, input.dimension);
  }
  return row_case.run(device, inputs, first);
}

RowCase matmul_case(std::int64_t inner, std::int64_t columns, Transpose transpose_b) {
  test::RandomArrays random(3);
  RowCase row_case;
  row_case.name = message("matmul K=", inner, " N=", columns);
  row_case.inputs["a"] = {random.real({kBatch, inner}), 0};
  row_case.inputs["b"] = {
      random.real(transpose_b == Transpose::yes ? Shape{columns, inner} : Shape{inner, columns}),
      -1};
  row_case.inputs["bias"] = {random.real({columns}), -1};
  row_case.run = [columns, transpose_b](Device& device, const Arrays& inputs, std::int64_t) {
    const TensorView a = device.put(inputs.at("a"));
    const TensorView c = device.garbage({a.shape[0], columns});
    device.backend().matmul({.a = a,
                             .b = device.put(inputs.at("b")),
                             .c = c,
                             .transpose_b = transpose_b,
                             .bias = device.put(inputs.at("bias")),
                             .order = SumOrder::fixed});
    return std::vector{device.get(c)};
  };
  return row_case;
}

RowCase step_case(const CellInfo& cell, std::int64_t input, std::int64_t hidden, bool ids) {
  test::RandomArrays random(4);
  RowCase row_case;
  row_case.name =
      message("recurrent_step ", cell.name, " I=", input, " H=", hidden, ids ? " ids" : "");
  const std::int64_t gate_rows = cell.gates * hidden;
  row_case.inputs["x"] = {ids ? random.ids({kBatch}, -1, input) : random.real({kBatch, input}), 0};
  row_case.inputs["state"] = {random.real({cell.states, kBatch, hidden}), 1};
  row_case.inputs["w_ih"] = {random.real({gate_rows, input}), -1};
  row_case.inputs["w_hh"] = {random.real({gate_rows, hidden}), -1};
  row_case.inputs["b_ih"] = {random.real({gate_rows}), -1};
  row_case.inputs["b_hh"] = {random.real({gate_rows}), -1};
  const RecurrentSpec spec{cell.kind, input, hidden};
  row_case.run = [spec](Device& device, const Arrays& inputs, std::int64_t) {
    const TensorView state = device.put(inputs.at("state"));
    device.backend().recurrent_step(
        spec, {.x = device.put(inputs.at("x")),
               .state = state,
               .weights = {device.put(inputs.at("w_ih")), device.put(inputs.at("w_hh")),
                           device.put(inputs.at("b_ih")), device.put(inputs.at("b_hh"))}});
    return std::vector{device.get(state)};
  };
  row_case.output_dimension = 1;
  return row_case;
}

RowCase token_case() {
  test::RandomArrays random(5);
  RowCase row_case;
  row_case.name = "sample_tokens";
  row_case.inputs["logits"] = {random.real({kBatch, 389}, -5.0, 5.0), 0};
  row_case.inputs["window"] = {random.ids({kBatch, 6}, -1, 389), 0};
  row_case.run = [](Device& device, const Arrays& inputs, std::int64_t first) {
    const TensorView logits = device.put(inputs.at("logits"));
    const std::int64_t rows = logits.shape[0];
    const SampleTokensArgs args{
        .logits = logits,
        .window = device.put(inputs.at("window")),
        .rows = test::make_rows(device,
                                {{},
                                 {.temperature = 0.0},
                                 {.temperature = 0.8, .top_k = 20, .top_p = 0.9},
                                 {.repetition_penalty = 1.3, .min_p = 0.05},
                                 {.typical_p = 0.8}},
                                rows, first),
        .tokens = device.allocate({rows}, DType::i32),
        .log_probability = device.garbage({rows}),
        .raw_log_probability = device.garbage({rows}),
        .entropy = device.garbage({rows}),
        .status = device.allocate({rows}, DType::i32)};
    device.backend().sample_tokens(args);
    return std::vector{device.get(args.tokens), device.get(args.log_probability),
                       device.get(args.raw_log_probability), device.get(args.entropy),
                       device.get(args.status)};
  };
  return row_case;
}

RowCase keys_case() {
  test::RandomArrays random(6);
  RowCase row_case;
  row_case.name = "sample_keys";
  row_case.inputs["logits"] = {random.real({kBatch, 88}, -5.0, 5.0), 0};
  row_case.run = [](Device& device, const Arrays& inputs, std::int64_t first) {
    const TensorView logits = device.put(inputs.at("logits"));
    const std::int64_t rows = logits.shape[0];
    const SampleKeysArgs args{
        .logits = logits,
        .rows = test::make_rows(device, {{}, {.temperature = 0.5}}, rows, first),
        .keys = device.garbage(logits.shape),
        .log_probability = device.garbage({rows})};
    device.backend().sample_keys(args);
    return std::vector{device.get(args.keys), device.get(args.log_probability)};
  };
  return row_case;
}

RowCase nade_case() {
  test::RandomArrays random(7);
  RowCase row_case;
  row_case.name = "sample_nade";
  row_case.inputs["visible_bias"] = {random.real({kBatch, 88}, -3.0, 1.0), 0};
  row_case.inputs["hidden_bias"] = {random.real({kBatch, 45}), 0};
  row_case.inputs["w"] = {random.real({88, 45}), -1};
  row_case.inputs["u"] = {random.real({88, 45}), -1};
  row_case.run = [](Device& device, const Arrays& inputs, std::int64_t first) {
    const TensorView visible_bias = device.put(inputs.at("visible_bias"));
    const std::int64_t rows = visible_bias.shape[0];
    const SampleNadeArgs args{
        .visible_bias = visible_bias,
        .hidden_bias = device.put(inputs.at("hidden_bias")),
        .w = device.put(inputs.at("w")),
        .u = device.put(inputs.at("u")),
        .rows = test::make_rows(device, {{}, {.temperature = 0.5}}, rows, first),
        .keys = device.garbage(visible_bias.shape),
        .log_probability = device.garbage({rows})};
    device.backend().sample_nade(args);
    return std::vector{device.get(args.keys), device.get(args.log_probability)};
  };
  return row_case;
}

/// The gradients of the logits that nade_loss computes: they show every bit of their sums.
RowCase nade_logits_case() {
  test::RandomArrays random(8);
  RowCase row_case;
  row_case.name = "logits of nade_loss";
  row_case.inputs["targets"] = {random.ids({kBatch, 88}, 0, 2), 0};
  row_case.inputs["targets"].array.dtype = DType::f64;
  row_case.inputs["visible_bias"] = {random.real({kBatch, 88}, -3.0, 1.0), 0};
  row_case.inputs["hidden_bias"] = {random.real({kBatch, 45}), 0};
  row_case.inputs["w"] = {random.real({88, 45}), -1};
  row_case.inputs["u"] = {random.real({88, 45}), -1};
  row_case.run = [](Device& device, const Arrays& inputs, std::int64_t) {
    const TensorView targets = device.put(inputs.at("targets"));
    const TensorView hidden_bias = device.put(inputs.at("hidden_bias"));
    const TensorView w = device.put(inputs.at("w"));
    const NadeLossArgs args{.targets = targets,
                            .visible_bias = device.put(inputs.at("visible_bias")),
                            .hidden_bias = hidden_bias,
                            .w = w,
                            .u = device.put(inputs.at("u")),
                            .row_loss = device.garbage({targets.shape[0]}),
                            .d_visible_bias = device.garbage(targets.shape),
                            .d_hidden_bias = device.garbage(hidden_bias.shape),
                            .d_w = device.put(test::filled(w.shape, 0.0)),
                            .d_u = device.put(test::filled(w.shape, 0.0))};
    device.backend().nade_loss(args);
    return std::vector{device.get(args.d_visible_bias)};
  };
  return row_case;
}

std::vector<RowCase> product_cases() {
  std::vector<RowCase> cases;
  for (const auto& [inner, columns] :
       {std::pair{1, 1}, std::pair{37, 45}, std::pair{64, 96}, std::pair{257, 389}}) {
    cases.push_back(matmul_case(inner, columns, Transpose::yes));
    cases.push_back(matmul_case(inner, columns, Transpose::no));
  }
  for (const CellInfo& cell : cells()) {
    cases.push_back(step_case(cell, 37, 45, false));
    cases.push_back(step_case(cell, 64, 64, false));
    cases.push_back(step_case(cell, 37, 45, true));
  }
  return cases;
}

std::vector<RowCase> row_cases() {
  std::vector<RowCase> cases = product_cases();
  cases.push_back(token_case());
  cases.push_back(keys_case());
  cases.push_back(nade_case());
  return cases;
}

class FixedOrder : public test::BackendTest {};

TEST_P(FixedOrder, RowsDoNotDependOnTheBatch) {
  for (const RowCase& row_case : row_cases()) {
    const std::vector<HostArray> together = run_rows(backend(), row_case, 0, kBatch);
    for (const auto& [first, count] : {std::pair{0, 1}, std::pair{1, 1}, std::pair{100, 1},
                                       std::pair{255, 1}, std::pair{3, 5}, std::pair{64, 33}}) {
      const std::vector<HostArray> part = run_rows(backend(), row_case, first, count);
      for (std::size_t i = 0; i < together.size(); ++i) {
        EXPECT_EQ(test::rows_of(together[i], first, count, row_case.output_dimension).values,
                  part[i].values)
            << row_case.name << " on " << GetParam() << ": rows " << first << " to "
            << first + count << " of output " << i;
      }
    }
  }
}

TEST_P(FixedOrder, RowsDoNotDependOnTheThreads) {
  const auto single =
      test::open({.backend = GetParam().backend, .precision = GetParam().precision});
  for (const RowCase& row_case : row_cases()) {
    const std::vector<HostArray> expected = run_rows(*single, row_case, 0, kBatch);
    const std::vector<HostArray> got = run_rows(backend(), row_case, 0, kBatch);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(expected[i].values, got[i].values)
          << row_case.name << " on " << GetParam() << ": output " << i;
    }
  }
}

/// The draw is defined bit by bit, so here even different backends agree in every byte.
TEST_P(FixedOrder, DrawsFromTheSameLogitsEqualThoseOfTheReference) {
  const auto reference = make_backend("reference");
  for (const RowCase& row_case : {token_case(), keys_case()}) {
    const HostArray expected = run_rows(*reference, row_case, 0, kBatch)[0];
    EXPECT_EQ(expected.values, run_rows(backend(), row_case, 0, kBatch)[0].values)
        << row_case.name << " on " << GetParam();
  }
}

/// The reference sums in double; all others sum the units of the NADE head in the order of the cpu
/// backend, so the keys they draw are the same.
TEST_P(FixedOrder, NadeKeysEqualThoseOfTheCpuBackend) {
  if (GetParam().backend == "reference") return;
  const auto cpu = make_backend("cpu");
  for (const RowCase& row_case : {nade_case(), nade_logits_case()}) {
    const HostArray expected = run_rows(*cpu, row_case, 0, kBatch)[0];
    EXPECT_EQ(expected.values, run_rows(backend(), row_case, 0, kBatch)[0].values)
        << row_case.name << " on " << GetParam();
  }
}

/// Nor does it matter in fp32 which of the two takes a step.
TEST_P(FixedOrder, ProductsAndStepsInFp32EqualThoseOfTheCpuBackend) {
  if (GetParam().backend == "reference" || GetParam().precision != Precision::fp32) return;
  const auto cpu = make_backend("cpu");
  for (const RowCase& row_case : product_cases()) {
    for (const std::int64_t count : {std::int64_t{7}, kBatch}) {
      const HostArray expected = run_rows(*cpu, row_case, 0, count)[0];
      EXPECT_EQ(expected.values, run_rows(backend(), row_case, 0, count)[0].values)
          << row_case.name << " on " << GetParam() << ": " << count << " rows";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, FixedOrder, testing::ValuesIn(test::backends_under_test()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
