// SPDX-License-Identifier: Apache-2.0
#include "backend/torch_golden.h"

// Leg 2 of the numerics: layers as PyTorch computes them.

namespace cadenza {
namespace {

using test::array_in;
using test::Device;
using test::HostArray;
using test::open_golden;

class TorchLayers : public test::TorchGolden {};

/// How far from PyTorch's doubles a run may be.
struct Tolerance {
  double forward, gradient;
};

Tolerance tolerance_of(DType dtype) {
  return dtype == DType::f64 ? Tolerance{1e-14, 1e-13} : Tolerance{1e-5, 1e-4};
}

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

TEST_P(TorchLayers, RecurrentLayersAgreeForwardAndBack) {
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

INSTANTIATE_TEST_SUITE_P(Backends, TorchLayers, testing::ValuesIn(test::every_backend_and_dtype()),
                         test::name_of_param);

}  // namespace
}  // namespace cadenza
