// SPDX-License-Identifier: Apache-2.0
// The recurrent layers of the record models: whole sequences forward (as inference), forward and
// backward with the gradients of x, and single steps of one layer as generation takes them. All
// begin with the caches flushed.
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/shapes.h"

namespace cadenza::bench {
namespace {

enum class Pass : std::uint8_t { forward, forward_backward };

/// One layer [T, B, H] -> [T, B, H] with everything that its passes need.
class Layer {
 public:
  Layer(Backend& backend, std::int64_t hidden, const SequenceShape& shape)
      : spec_{CellKind::lstm, hidden, hidden},
        parameters_(backend, {2, 4 * hidden * (2 * hidden + 2)}, DType::f32),
        y_(backend, {shape.steps, shape.batch, hidden}, DType::f32),
        dx_(backend, {shape.steps, shape.batch, hidden}, DType::f32) {
    fill_uniform(backend, parameters_.view().at(0), 0.06F);
  }

  void reserve(Backend& backend, const SequenceShape& shape) {
    const std::size_t bytes =
        backend.recurrent_reserve_bytes(spec_, shape.steps, shape.batch, DType::f32);
    reserve_ = Tensor(backend, {static_cast<std::int64_t>(bytes)}, DType::u8);
  }
  void forward(Backend& backend, const TensorView& x) {
    backend.recurrent_forward(spec_, {.x = x, .weights = weights(0), .y = y_, .reserve = reserve_});
  }
  void backward(Backend& backend, const TensorView& x, const TensorView& dy) {
    backend.recurrent_backward(spec_, {.x = x,
                                       .weights = weights(0),
                                       .y = y_,
                                       .reserve = reserve_,
                                       .dy = dy,
                                       .dx = dx_,
                                       .d_weights = weights(1)});
  }
  const TensorView& y() const { return y_.view(); }
  const TensorView& dx() const { return dx_.view(); }

 private:
  /// Views of row 0 (values) or 1 (gradients) of the parameters.
  RecurrentWeights weights(std::int64_t row) const {
    std::int64_t used = 0;
    const auto take = [&](const Shape& shape) {
      const TensorView flat = parameters_.view().at(row).slice(used, shape.count());
      used += shape.count();
      return flat.reshaped(shape);
    };
    const std::int64_t rows = 4 * spec_.hidden;
    const TensorView w_ih = take({rows, spec_.input});
    const TensorView w_hh = take({rows, spec_.hidden});
    const TensorView b_ih = take({rows});
    return {w_ih, w_hh, b_ih, take({rows})};
  }

  RecurrentSpec spec_;
  Tensor parameters_, y_, dx_, reserve_;
};

void run_layers(benchmark::State& state, Place& place, const RecordModel& model,
                const SequenceShape& shape, Pass pass) {
  Backend& backend = *place.backend;
  const Tensor x(backend, {shape.steps, shape.batch, model.hidden}, DType::f32);
  const Tensor dy(backend, {shape.steps, shape.batch, model.hidden}, DType::f32);
  fill_uniform(backend, x, 1.0F);
  fill_uniform(backend, dy, 1e-3F);
  std::vector<Layer> layers;
  for (int i = 0; i < model.layers; ++i) {
    layers.emplace_back(backend, model.hidden, shape);
    if (pass == Pass::forward_backward) layers.back().reserve(backend, shape);
  }
  const double tokens = static_cast<double>(shape.batch * shape.steps);
  const double passes = pass == Pass::forward ? 1.0 : 3.0;
  const Cost cost = {.flops = tokens * passes * recurrent_flops(model),
                     .items = tokens,
                     .item = "tokens",
                     .cache = Cache::flushed};
  measure(state, place, cost, [&] {
    TensorView input = x;
    for (Layer& layer : layers) {
      layer.forward(backend, input);
      input = layer.y();
    }
    if (pass == Pass::forward) return;
    TensorView gradient = dy;
    for (std::size_t i = layers.size(); i-- > 0;) {
      layers[i].backward(backend, i == 0 ? x.view() : layers[i - 1].y(), gradient);
      gradient = layers[i].dx();
    }
  });
}

void run_step(benchmark::State& state, Place& place, std::int64_t hidden, std::int64_t batch) {
  Backend& backend = *place.backend;
  const RecurrentSpec spec = {CellKind::lstm, hidden, hidden};
  const Tensor x(backend, {batch, hidden}, DType::f32);
  const Tensor cell(backend, {2, batch, hidden}, DType::f32);
  const Tensor w_ih(backend, {4 * hidden, hidden}, DType::f32);
  const Tensor w_hh(backend, {4 * hidden, hidden}, DType::f32);
  const Tensor b_ih(backend, {4 * hidden}, DType::f32);
  const Tensor b_hh(backend, {4 * hidden}, DType::f32);
  fill_uniform(backend, x, 1.0F);
  fill_uniform(backend, w_ih, 0.06F);
  fill_uniform(backend, w_hh, 0.06F);
  const double rows = static_cast<double>(batch);
  const double width = static_cast<double>(hidden);
  const Cost cost = {.flops = 16.0 * rows * width * width,
                     .bytes = 4.0 * (8.0 * width * (width + 1.0) + 5.0 * rows * width),
                     .items = rows,
                     .item = "rows",
                     .cache = Cache::flushed};
  measure(state, place, cost, [&] {
    backend.recurrent_step(spec, {.x = x, .state = cell, .weights = {w_ih, w_hh, b_ih, b_hh}});
  });
}

void register_layers(const std::string& name, Pass pass) {
  for (const RecordModel& model : kRecordModels) {
    for (const SequenceShape& shape : kSequenceShapes) {
      const double tokens = static_cast<double>(shape.batch * shape.steps);
      register_case(name, message(model.name, "/B:", shape.batch, "/T:", shape.steps),
                    3.0 * tokens * recurrent_flops(model),
                    [&model, &shape, pass](benchmark::State& state, Place& place) {
                      run_layers(state, place, model, shape, pass);
                    });
    }
  }
}

const bool kRegistered = [] {
  register_layers("recurrent_forward", Pass::forward);
  register_layers("recurrent_forward_backward", Pass::forward_backward);
  for (const RecordModel& model : kRecordModels) {
    for (const std::int64_t batch : {1, 32, 256, 1024, 4096}) {
      const std::int64_t hidden = model.hidden;
      register_case("recurrent_step", message("H:", hidden, "/B:", batch),
                    16.0 * static_cast<double>(batch * hidden * hidden),
                    [hidden, batch](benchmark::State& state, Place& place) {
                      run_step(state, place, hidden, batch);
                    });
    }
  }
  return true;
}();

}  // namespace
}  // namespace cadenza::bench
