// SPDX-License-Identifier: Apache-2.0
#include "backend/torch_golden.h"

// Leg 2 of the numerics: updates and a whole training run as PyTorch computes them.

namespace cadenza {
namespace {

using test::array_in;
using test::Device;
using test::HostArray;
using test::open_golden;

class TorchTraining : public test::TorchGolden {};

struct Rule {
  const char* name;
  UpdateArgs args;
  bool first, second;
};

std::vector<Rule> rules() {
  const auto rule = [](OptimizerKind kind, double learning_rate) {
    UpdateArgs args;
    args.kind = kind;
    args.learning_rate = learning_rate;
    return args;
  };
  UpdateArgs sgd = rule(OptimizerKind::sgd, 0.1);
  sgd.weight_decay = 0.1;
  UpdateArgs momentum = rule(OptimizerKind::momentum, 0.05);
  UpdateArgs rmsprop = rule(OptimizerKind::rmsprop, 0.01);
  rmsprop.beta2 = 0.99;
  rmsprop.weight_decay = 0.01;
  UpdateArgs adam = rule(OptimizerKind::adam, 0.01);
  UpdateArgs adam_decay = adam;
  adam_decay.weight_decay = 0.1;
  UpdateArgs adam_clip = adam;
  adam_clip.epsilon = 1e-3;
  adam_clip.clip_norm = 0.5;
  UpdateArgs adamw = rule(OptimizerKind::adamw, 0.01);
  adamw.weight_decay = 0.1;
  return {{"sgd", sgd, false, false},
          {"momentum", momentum, true, false},
          {"rmsprop", rmsprop, false, true},
          {"adam", adam, true, true},
          {"adam_decay", adam_decay, true, true},
          {"adam_clip", adam_clip, true, true},
          {"adamw", adamw, true, true}};
}

TEST_P(TorchTraining, OptimizersFollowTheSamePathForTwentyUpdates) {
  const SafetensorsReader file = open_golden("optimizers");
  const HostArray start = array_in(file, "start");
  for (const Rule& rule : rules()) {
    Device device(backend(), dtype());
    const TensorView gradients = device.put(array_in(file, "gradients"));
    const TensorView expected = device.put(array_in(file, rule.name));
    UpdateArgs args = rule.args;
    args.parameters = device.put(start);
    args.squared_norm = device.allocate({1}, DType::f64);
    const HostArray zeros = test::filled(start.shape, 0.0);
    if (rule.first) args.first_moment = device.put(zeros);
    if (rule.second) args.second_moment = device.put(zeros);
    for (std::int64_t step = 1; step <= gradients.shape[0]; ++step) {
      args.step = step;
      args.gradients = gradients.at(step - 1);
      backend().squared_norm(args.gradients, args.squared_norm);
      backend().update(args);
      expect_close(message("update ", rule.name, " step ", step), "parameters",
                   device.get(expected.at(step - 1)), device.get(args.parameters),
                   dtype() == DType::f64 ? 1e-14 : 2e-6);
    }
  }
}

/// The language model of the golden training run, written out in operations.
class LanguageModel {
 public:
  LanguageModel(Device& device, const SafetensorsReader& file, std::int64_t steps,
                std::int64_t batch)
      : device_(device), backend_(device.backend()), steps_(steps), batch_(batch) {
    std::int64_t total = 0;
    for (const char* name : kNames) total += array_in(file, name).shape.count();
    values_ = device.put(test::filled({total}, 0.0));
    gradients_ = device.put(test::filled({total}, 0.0));
    first_ = device.put(test::filled({total}, 0.0));
    second_ = device.put(test::filled({total}, 0.0));
    norm_ = device.allocate({1}, DType::f64);
    std::int64_t offset = 0;
    for (const char* name : kNames) {
      const HostArray array = array_in(file, name);
      const std::int64_t count = array.shape.count();
      parameters_.push_back({values_.slice(offset, count).reshaped(array.shape),
                             gradients_.slice(offset, count).reshaped(array.shape)});
      backend_.copy(device.put(array), parameters_.back().value);
      offset += count;
    }
    allocate_activations();
  }

  /// Mean loss of the batch before the update that it makes. Token ids [T * B].
  double train(const TensorView& inputs, const TensorView& targets, std::int64_t step) {
    backend_.fill(gradients_, 0.0);
    forward(inputs, targets);
    backward(inputs);
    backend_.squared_norm(gradients_, norm_);
    backend_.update({.kind = OptimizerKind::adam,
                     .parameters = values_,
                     .gradients = gradients_,
                     .first_moment = first_,
                     .second_moment = second_,
                     .squared_norm = norm_,
                     .learning_rate = 0.01,
                     .clip_norm = 0.25,
                     .step = step});
    double sum = 0.0;
    for (const double loss : device_.get(row_loss_).values) sum += loss;
    return sum / static_cast<double>(steps_ * batch_);
  }

 private:
  struct Parameter {
    TensorView value, gradient;
  };
  static constexpr const char* kNames[] = {
      "embedding.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0",
      "lstm.bias_hh_l0",  "output.weight",     "output.bias"};

  void allocate_activations() {
    const std::int64_t embedded = parameters_[0].value.shape[1];
    const std::int64_t hidden = parameters_[2].value.shape[1];
    const std::int64_t vocabulary = parameters_[5].value.shape[0];
    spec_ = {CellKind::lstm, embedded, hidden};
    x_ = device_.garbage({steps_, batch_, embedded});
    dx_ = device_.garbage(x_.shape);
    y_ = device_.garbage({steps_, batch_, hidden});
    dy_ = device_.garbage(y_.shape);
    logits_ = device_.garbage({steps_ * batch_, vocabulary});
    row_loss_ = device_.garbage({steps_ * batch_});
    const auto bytes = backend_.recurrent_reserve_bytes(spec_, steps_, batch_, device_.real());
    reserve_ = device_.allocate({static_cast<std::int64_t>(bytes)}, DType::u8);
  }

  RecurrentWeights weights() const {
    return {parameters_[1].value, parameters_[2].value, parameters_[3].value, parameters_[4].value};
  }
  RecurrentWeights d_weights() const {
    return {parameters_[1].gradient, parameters_[2].gradient, parameters_[3].gradient,
            parameters_[4].gradient};
  }
  TensorView flat(const TensorView& view) const {
    return view.reshaped({steps_ * batch_, view.shape[2]});
  }

  void forward(const TensorView& inputs, const TensorView& targets) {
    backend_.embedding({.ids = inputs, .table = parameters_[0].value, .y = flat(x_)});
    backend_.recurrent_forward(spec_,
                               {.x = x_, .weights = weights(), .y = y_, .reserve = reserve_});
    backend_.matmul({.a = flat(y_),
                     .b = parameters_[5].value,
                     .c = logits_,
                     .transpose_b = Transpose::yes,
                     .bias = parameters_[6].value});
    backend_.softmax_loss({.logits = logits_,
                           .targets = targets,
                           .row_loss = row_loss_,
                           .d_logits = logits_,
                           .scale = 1.0 / static_cast<double>(steps_ * batch_)});
  }

  void backward(const TensorView& inputs) {
    backend_.matmul({.a = logits_,
                     .b = flat(y_),
                     .c = parameters_[5].gradient,
                     .transpose_a = Transpose::yes,
                     .accumulate = Accumulate::add});
    backend_.add_column_sums(logits_, parameters_[6].gradient);
    backend_.matmul({.a = logits_, .b = parameters_[5].value, .c = flat(dy_)});
    backend_.recurrent_backward(spec_, {.x = x_,
                                        .weights = weights(),
                                        .y = y_,
                                        .reserve = reserve_,
                                        .dy = dy_,
                                        .dx = dx_,
                                        .d_weights = d_weights()});
    backend_.embedding_backward(
        {.ids = inputs, .dy = flat(dx_), .d_table = parameters_[0].gradient});
  }

  Device& device_;
  Backend& backend_;
  std::int64_t steps_, batch_;
  RecurrentSpec spec_;
  std::vector<Parameter> parameters_;
  TensorView values_, gradients_, first_, second_, norm_;
  TensorView x_, dx_, y_, dy_, logits_, row_loss_, reserve_;
};

TEST_P(TorchTraining, TrainingFollowsTheSameLossCurveForAHundredSteps) {
  const SafetensorsReader file = open_golden("training");
  const HostArray losses = array_in(file, "losses");
  Device device(backend(), dtype());
  const TensorView tokens = device.put(array_in(file, "tokens"));  // [100, T + 1, B]
  const std::int64_t steps = tokens.shape[1] - 1;
  const std::int64_t batch = tokens.shape[2];
  LanguageModel model(device, file, steps, batch);
  HostArray got{losses.shape, DType::f64, {}};
  for (std::int64_t s = 0; s < tokens.shape[0]; ++s) {
    const TensorView sequence = tokens.at(s);
    got.values.push_back(model.train(sequence.slice(0, steps).reshaped({steps * batch}),
                                     sequence.slice(1, steps).reshaped({steps * batch}), s + 1));
  }
  expect_close("training of a language model", "losses", losses, got,
               dtype() == DType::f64 ? 1e-10 : 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Backends, TorchTraining,
                         testing::ValuesIn(test::every_backend_and_dtype()), test::name_of_param);

}  // namespace
}  // namespace cadenza
