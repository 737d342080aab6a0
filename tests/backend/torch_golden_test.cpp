// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cadenza/safetensors.h"
#include "support/backend_param.h"
#include "support/compare.h"

// Leg 2 of the numerics: arrays made by PyTorch (tests/golden/make_torch_goldens.py).

namespace cadenza {
namespace {

using test::Device;
using test::HostArray;

SafetensorsReader open_golden(const std::string& name) {
  return SafetensorsReader(CADENZA_TEST_GOLDEN_DIR "/torch_" + name + ".safetensors");
}

Shape shape_of(const std::vector<std::int64_t>& extents) {
  switch (extents.size()) {
    case 1:
      return {extents[0]};
    case 2:
      return {extents[0], extents[1]};
    case 3:
      return {extents[0], extents[1], extents[2]};
    default:
      return {extents.at(0), extents.at(1), extents.at(2), extents.at(3)};
  }
}

HostArray array_in(const SafetensorsReader& file, const std::string& name) {
  const FileArray& array = file.at(name);
  if (array.dtype == DType::f64) return {shape_of(array.shape), DType::f64, array.as<double>()};
  const auto ids = array.as<std::int32_t>();
  return {shape_of(array.shape), DType::i32, {ids.begin(), ids.end()}};
}

/// How far from PyTorch's doubles a run may be.
struct Tolerance {
  double forward, gradient;
};

Tolerance tolerance_of(DType dtype) {
  return dtype == DType::f64 ? Tolerance{1e-14, 1e-13} : Tolerance{1e-5, 1e-4};
}

std::vector<test::BackendParam> every_backend_and_precision() {
  std::vector<test::BackendParam> params = test::every_backend();
  params.push_back({"reference", DType::f64, 1});
  return params;
}

class TorchGolden : public test::BackendTest {
 protected:
  DType dtype() const { return GetParam().dtype; }
  void expect_close(const std::string& op, const std::string& name, const HostArray& expected,
                    const HostArray& got, double tolerance) const {
    EXPECT_TRUE(test::close({op, GetParam().backend, dtype(), 0}, name, expected, got, tolerance));
  }
};

/// A stack of layers with the weights of a file, run forward and back.
class Stack {
 public:
  Stack(Device& device, const SafetensorsReader& file, CellKind cell, std::string prefix, int count)
      : device_(device), file_(file), cell_(cell), prefix_(std::move(prefix)) {
    for (int l = 0; l < count; ++l) layers_.push_back(make_layer(l));
  }

  TensorView forward() {
    TensorView x = put("x");
    for (Layer& layer : layers_) {
      layer.args.x = x;
      device_.backend().recurrent_forward(layer.spec, layer.args);
      x = layer.args.y;
    }
    return x;
  }

  /// Returns dx of the first layer.
  TensorView backward() {
    TensorView dy = put("d_y");
    for (std::size_t l = layers_.size(); l-- > 0;) {
      Layer& layer = layers_[l];
      const TensorView dx = device_.garbage(layer.args.x.shape);
      device_.backend().recurrent_backward(
          layer.spec, {.x = layer.args.x,
                       .lengths = layer.args.lengths,
                       .initial_state = layer.args.initial_state,
                       .weights = layer.args.weights,
                       .y = layer.args.y,
                       .reserve = layer.args.reserve,
                       .dy = dy,
                       .d_final_state = put("d_final_state").at(static_cast<std::int64_t>(l)),
                       .dx = dx,
                       .d_initial_state = layer.d_initial_state,
                       .d_weights = layer.d_weights});
      dy = dx;
    }
    return dy;
  }

  struct Layer {
    RecurrentSpec spec;
    RecurrentForwardArgs args;
    TensorView d_initial_state;
    RecurrentWeights d_weights;
  };
  const std::vector<Layer>& layers() const { return layers_; }

 private:
  TensorView put(const std::string& name) { return device_.put(array_in(file_, prefix_ + name)); }
  RecurrentWeights put_weights(const std::string& before, const std::string& layer) {
    return {put(before + "weight_ih_" + layer), put(before + "weight_hh_" + layer),
            put(before + "bias_ih_" + layer), put(before + "bias_hh_" + layer)};
  }

  Layer make_layer(int l) {
    const std::string name = message("l", l);
    Layer layer{{}, {}, {}, put_weights("", name)};
    layer.args.weights = put_weights("", name);
    for (const TensorView& gradient :
         {layer.d_weights.w_ih, layer.d_weights.w_hh, layer.d_weights.b_ih, layer.d_weights.b_hh}) {
      device_.backend().fill(gradient, 0.0);
    }
    const Shape input = put("x").shape;
    const std::int64_t hidden = layer.args.weights.w_hh.shape[1];
    layer.spec = {cell_, layer.args.weights.w_ih.shape[1], hidden};
    layer.args.lengths = put("lengths");
    layer.args.initial_state = put("initial_state").at(l);
    layer.args.y = device_.garbage({input[0], input[1], hidden});
    layer.args.final_state = device_.garbage(layer.args.initial_state.shape);
    layer.d_initial_state = device_.garbage(layer.args.initial_state.shape);
    const auto bytes =
        device_.backend().recurrent_reserve_bytes(layer.spec, input[0], input[1], device_.real());
    layer.args.reserve = device_.allocate({static_cast<std::int64_t>(bytes)}, DType::u8);
    return layer;
  }

  Device& device_;
  const SafetensorsReader& file_;
  CellKind cell_;
  std::string prefix_;
  std::vector<Layer> layers_;
};

/// Layer l of an array [L, S, B, H].
HostArray layer_of(const HostArray& states, std::size_t l) {
  const Shape& shape = states.shape;
  const auto count = static_cast<std::ptrdiff_t>(states.values.size()) / shape[0];
  const auto begin = states.values.begin() + static_cast<std::ptrdiff_t>(l) * count;
  return {{shape[1], shape[2], shape[3]}, DType::f64, {begin, begin + count}};
}

TEST_P(TorchGolden, RecurrentLayersAgreeForwardAndBack) {
  const Tolerance tolerance = tolerance_of(dtype());
  for (const CellInfo& cell : cells()) {
    const SafetensorsReader file = open_golden(std::string(cell.name));
    for (const int count : {1, 2}) {
      const std::string prefix = message("layers", count, ".");
      const std::string op = message("recurrent ", cell.name, " layers=", count);
      Device device(backend(), dtype());
      Stack stack(device, file, cell.kind, prefix, count);
      const auto expect = [&](const std::string& name, const TensorView& got, double allowed) {
        expect_close(op, name, array_in(file, prefix + name), device.get(got), allowed);
      };
      expect("y", stack.forward(), tolerance.forward);
      expect("d_x", stack.backward(), tolerance.gradient);
      for (std::size_t l = 0; l < stack.layers().size(); ++l) {
        const Stack::Layer& layer = stack.layers()[l];
        const std::string suffix = message("_l", l);
        expect("d_weight_ih" + suffix, layer.d_weights.w_ih, tolerance.gradient);
        expect("d_weight_hh" + suffix, layer.d_weights.w_hh, tolerance.gradient);
        expect("d_bias_ih" + suffix, layer.d_weights.b_ih, tolerance.gradient);
        expect("d_bias_hh" + suffix, layer.d_weights.b_hh, tolerance.gradient);
        expect_close(op, "final_state" + suffix,
                     layer_of(array_in(file, prefix + "final_state"), l),
                     device.get(layer.args.final_state), tolerance.forward);
        expect_close(op, "d_initial_state" + suffix,
                     layer_of(array_in(file, prefix + "d_initial_state"), l),
                     device.get(layer.d_initial_state), tolerance.gradient);
      }
    }
  }
}

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

TEST_P(TorchGolden, OptimizersFollowTheSamePathForTwentyUpdates) {
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

TEST_P(TorchGolden, TrainingFollowsTheSameLossCurveForAHundredSteps) {
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

INSTANTIATE_TEST_SUITE_P(Backends, TorchGolden, testing::ValuesIn(every_backend_and_precision()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
