// SPDX-License-Identifier: Apache-2.0
#include "cadenza/backend.h"
#include "support/op_case.h"

namespace cadenza::test {
namespace {

struct Rule {
  OptimizerKind kind;
  const char* name;
  bool first, second;
};

OpCase update_case(const Rule& rule, double weight_decay, double clip_norm) {
  constexpr std::int64_t kCount = 1037;
  RandomArrays random(71);
  OpCase op;
  op.name = message("update ", rule.name, " weight_decay=", weight_decay, " clip=", clip_norm);
  op.seed = 71;
  op.inputs["parameters"] = random.real({kCount});
  op.inputs["gradients"] = random.real({kCount});
  if (rule.first) op.inputs["first_moment"] = random.real({kCount});
  if (rule.second) op.inputs["second_moment"] = random.real({kCount}, 0.01, 1.0);
  op.forward = [rule, weight_decay, clip_norm](Device& device, const Arrays& inputs) {
    UpdateArgs args{.kind = rule.kind,
                    .parameters = device.put(inputs.at("parameters")),
                    .gradients = device.put(inputs.at("gradients")),
                    .first_moment = device.put(inputs, "first_moment"),
                    .second_moment = device.put(inputs, "second_moment"),
                    .learning_rate = 0.01,
                    .beta2 = 0.99,
                    .weight_decay = weight_decay,
                    .clip_norm = clip_norm,
                    .step = 3};
    if (clip_norm > 0.0) {
      args.squared_norm = device.allocate({1}, DType::f64);
      device.backend().squared_norm(args.gradients, args.squared_norm);
    }
    device.backend().update(args);
    Arrays outputs{{"parameters", device.get(args.parameters)},
                   {"gradients", device.get(args.gradients)}};
    if (rule.first) outputs["first_moment"] = device.get(args.first_moment);
    if (rule.second) outputs["second_moment"] = device.get(args.second_moment);
    return outputs;
  };
  op.tolerance = 1e-6;
  return op;
}

}  // namespace

std::vector<OpCase> update_cases() {
  std::vector<OpCase> cases;
  for (const Rule& rule : {Rule{OptimizerKind::sgd, "sgd", false, false},
                           Rule{OptimizerKind::momentum, "momentum", true, false},
                           Rule{OptimizerKind::rmsprop, "rmsprop", false, true},
                           Rule{OptimizerKind::adam, "adam", true, true},
                           Rule{OptimizerKind::adamw, "adamw", true, true}}) {
    cases.push_back(update_case(rule, 0.0, 0.0));
    cases.push_back(update_case(rule, 0.1, 0.0));
    cases.push_back(update_case(rule, 0.1, 0.5));
    cases.push_back(update_case(rule, 0.0, 1e6));
  }
  return cases;
}

}  // namespace cadenza::test
