// SPDX-License-Identifier: Apache-2.0
#include "cadenza/backend.h"
#include "support/op_case.h"

namespace cadenza::test {
namespace {

constexpr double kScale = 0.625;

/// Which optional parts a loss gets.
struct Options {
  bool weights = true;
  bool in_place = false;
};

std::string suffix(const Options& options) {
  return std::string(options.weights ? " weights" : "") + (options.in_place ? " in place" : "");
}

/// What the caller of a loss gets to see: row losses alone, or gradients with respect to `input`.
struct LossCall {
  TensorView input, targets, weights, row_loss, gradient;
};

template <typename Call>
OpCase loss_case(std::string name, const Options& options, RandomArrays& random, HostArray input,
                 HostArray targets, Call call) {
  OpCase op;
  op.name = std::move(name) + suffix(options);
  const std::int64_t rows = input.shape[0];
  op.inputs["input"] = std::move(input);
  op.inputs["targets"] = std::move(targets);
  if (options.weights) op.inputs["weights"] = random.real({rows}, 0.0, 2.0);
  op.cotangents["row_loss"] = filled({rows}, kScale);
  op.forward = [call, rows](Device& device, const Arrays& inputs) {
    const TensorView row_loss = device.garbage({rows});
    call(device.backend(), LossCall{device.put(inputs.at("input")),
                                    device.put(inputs.at("targets")),
                                    device.put(inputs, "weights"),
                                    row_loss,
                                    {}});
    return Arrays{{"row_loss", device.get(row_loss)}};
  };
  op.backward = [call, rows, options](Device& device, const Arrays& inputs, const Arrays&) {
    const TensorView x = device.put(inputs.at("input"));
    const TensorView gradient = options.in_place ? x : device.garbage(x.shape);
    call(device.backend(),
         LossCall{x, device.put(inputs.at("targets")), device.put(inputs, "weights"),
                  device.garbage({rows}), gradient});
    return Arrays{{"input", device.get(gradient)}};
  };
  return op;
}

std::vector<OpCase> softmax_cases() {
  std::vector<OpCase> cases;
  for (const Options options : {Options{true, false}, Options{false, true}}) {
    for (const auto& [rows, width] : {std::pair{5, 7}, std::pair{1, 1}, std::pair{9, 389},
                                      std::pair{3, 200}, std::pair{3, 1000}, std::pair{3, 1500},
                                      std::pair{3, 3001}, std::pair{3, 8192}, std::pair{4, 9001}}) {
      RandomArrays random(51);
      HostArray logits = random.real({rows, width}, -6.0, 6.0);
      HostArray targets = random.ids({rows}, 0, width);
      if (rows > 2) targets.values[1] = -1;
      cases.push_back(loss_case(message("softmax_loss N=", rows, " V=", width), options, random,
                                std::move(logits), std::move(targets),
                                [](Backend& backend, const LossCall& call) {
                                  backend.softmax_loss({.logits = call.input,
                                                        .targets = call.targets,
                                                        .weights = call.weights,
                                                        .row_loss = call.row_loss,
                                                        .d_logits = call.gradient,
                                                        .scale = kScale});
                                }));
      cases.back().small = width < 1000;
    }
  }
  return cases;
}

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> cases;
  for (const auto& [options, shape] : {std::pair{Options{true, false}, Shape{6, 89}},
                                       std::pair{Options{false, true}, Shape{9, 33}},
                                       std::pair{Options{true, true}, Shape{2, 1500}}}) {
    RandomArrays random(53);
    cases.push_back(loss_case(message("bernoulli_loss ", shape), options, random,
                              random.real(shape, -8.0, 8.0), random.real(shape, 0.0, 1.0),
                              [](Backend& backend, const LossCall& call) {
                                backend.bernoulli_loss({.logits = call.input,
                                                        .targets = call.targets,
                                                        .weights = call.weights,
                                                        .row_loss = call.row_loss,
                                                        .d_logits = call.gradient,
                                                        .scale = kScale});
                              }));
    cases.push_back(loss_case(message("squared_loss ", shape), options, random, random.real(shape),
                              random.real(shape), [](Backend& backend, const LossCall& call) {
                                backend.squared_loss({.predictions = call.input,
                                                      .targets = call.targets,
                                                      .weights = call.weights,
                                                      .row_loss = call.row_loss,
                                                      .d_predictions = call.gradient,
                                                      .scale = kScale});
                              }));
  }
  return cases;
}

NadeLossArgs put_nade(Device& device, const Arrays& inputs) {
  const std::int64_t rows = inputs.at("targets").shape[0];
  return {.targets = device.put(inputs.at("targets")),
          .visible_bias = device.put(inputs.at("visible_bias")),
          .hidden_bias = device.put(inputs.at("hidden_bias")),
          .w = device.put(inputs.at("w")),
          .u = device.put(inputs.at("u")),
          .weights = device.put(inputs, "weights"),
          .row_loss = device.garbage({rows}),
          .scale = kScale};
}

OpCase nade_case(std::int64_t rows, std::int64_t keys, std::int64_t units, bool weights) {
  RandomArrays random(57);
  OpCase op;
  op.name = message("nade_loss N=", rows, " D=", keys, " K=", units, weights ? " weights" : "");
  op.seed = 57;
  op.inputs["targets"] = random.ids({rows, keys}, 0, 2);
  op.inputs["targets"].dtype = DType::f64;
  op.inputs["visible_bias"] = random.real({rows, keys}, -2.0, 2.0);
  op.inputs["hidden_bias"] = random.real({rows, units});
  op.inputs["w"] = random.real({keys, units});
  op.inputs["u"] = random.real({keys, units});
  if (weights) op.inputs["weights"] = random.real({rows}, 0.0, 2.0);
  op.cotangents["row_loss"] = filled({rows}, kScale);
  op.forward = [](Device& device, const Arrays& inputs) {
    const NadeLossArgs args = put_nade(device, inputs);
    device.backend().nade_loss(args);
    return Arrays{{"row_loss", device.get(args.row_loss)}};
  };
  op.backward = [rows, keys, units](Device& device, const Arrays& inputs, const Arrays&) {
    NadeLossArgs args = put_nade(device, inputs);
    args.d_visible_bias = device.garbage({rows, keys});
    args.d_hidden_bias = device.garbage({rows, units});
    args.d_w = device.put(filled({keys, units}, kGradientBefore));
    args.d_u = device.put(filled({keys, units}, kGradientBefore));
    device.backend().nade_loss(args);
    return Arrays{{"visible_bias", device.get(args.d_visible_bias)},
                  {"hidden_bias", device.get(args.d_hidden_bias)},
                  {"w", without_initial_value(device.get(args.d_w))},
                  {"u", without_initial_value(device.get(args.d_u))}};
  };
  op.small = rows < 10;
  return op;
}

}  // namespace

std::vector<OpCase> loss_cases() {
  std::vector<OpCase> cases = softmax_cases();
  for (OpCase& op : elementwise_cases()) cases.push_back(std::move(op));
  cases.push_back(nade_case(1, 1, 1, false));
  cases.push_back(nade_case(4, 11, 5, true));
  cases.push_back(nade_case(3, 88, 33, true));
  cases.push_back(nade_case(37, 20, 70, true));
  cases.push_back(nade_case(2, 5, 0, false));
  return cases;
}

}  // namespace cadenza::test
