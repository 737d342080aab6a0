// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>

#include "backend/cuda/cudnn_plan.h"
#include "cadenza/tensor.h"
#include "kernels/device_array.h"

// Stacks of layers in both directions, as the plans of cuDNN compute them, against layers of the
// reference put together by hand.

namespace cadenza {
namespace {

using cuda::CudnnPlan;
using cuda::CudnnPlanner;
using cuda::Directions;
using cuda::Lengths;
using cuda::RnnShape;
using test::DeviceArray;
using test::fractions;

using Values = std::vector<float>;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

struct LayerWeights {
  Values w_ih, w_hh, b_ih, b_hh;
};

/// What goes into a pass and back; states are [L * D, B, H].
struct Problem {
  RnnShape shape;
  std::vector<std::int32_t> lengths;  // [B]
  std::vector<LayerWeights> weights;  // by pseudo-layer
  Values x, h, c, dy, dh, dc;
};

struct Solution {
  Values y, h, c, dx, dh, dc;
  std::vector<LayerWeights> d_weights;
};

std::int64_t columns_of(const RnnShape& shape, std::int64_t pseudo_layer) {
  return pseudo_layer < shape.direction_count() ? shape.input : shape.output();
}

Values scaled(Values values, float factor) {
  for (float& value : values) value *= factor;
  return values;
}

Problem make_problem(const RnnShape& shape, std::vector<std::int32_t> lengths) {
  std::uint32_t seed = 7;
  const auto draw = [&](std::int64_t count) {
    return scaled(fractions(index(count), ++seed), 0.4F);
  };
  Problem problem;
  problem.shape = shape;
  problem.lengths = std::move(lengths);
  const std::int64_t rows = info_of(shape.cell).gates * shape.hidden;
  for (std::int64_t layer = 0; layer < shape.pseudo_layers(); ++layer) {
    problem.weights.push_back(
        {draw(rows * columns_of(shape, layer)), draw(rows * shape.hidden), draw(rows), draw(rows)});
  }
  problem.x = draw(shape.steps * shape.batch * shape.input);
  problem.dy = draw(shape.steps * shape.batch * shape.output());
  problem.h = draw(shape.state_count());
  problem.c = draw(shape.state_count());
  problem.dh = draw(shape.state_count());
  problem.dc = draw(shape.state_count());
  return problem;
}

/// One layer in one direction on the reference.
class ReferenceLayer {
 public:
  ReferenceLayer(Backend& backend, const Problem& problem, std::int64_t layer)
      : backend_(backend),
        problem_(problem),
        layer_(layer),
        spec_{problem.shape.cell, columns_of(problem.shape, layer), problem.shape.hidden} {
    const RnnShape& shape = problem.shape;
    const LayerWeights& w = problem.weights[index(layer)];
    const std::int64_t rows = info_of(shape.cell).gates * shape.hidden;
    weights_ = {put(w.w_ih, {rows, spec_.input}), put(w.w_hh, {rows, shape.hidden}),
                put(w.b_ih, {rows}), put(w.b_hh, {rows})};
    d_weights_ = {make({rows, spec_.input}), make({rows, shape.hidden}), make({rows}),
                  make({rows})};
    lengths_ = tensors_.emplace_back(backend, Shape{shape.batch}, DType::i32);
    backend.upload(std::as_bytes(std::span(problem.lengths)), lengths_);
  }

  /// y [T, B, H] of x [T, B, columns].
  Values forward(const Values& x) {
    const RnnShape& shape = problem_.shape;
    x_ = put(in_time(x, spec_.input), {shape.steps, shape.batch, spec_.input});
    initial_ = put(states(problem_.h, problem_.c), state_shape());
    y_ = make({shape.steps, shape.batch, shape.hidden});
    final_ = make(state_shape());
    const auto bytes = static_cast<std::int64_t>(
        backend_.recurrent_reserve_bytes(spec_, shape.steps, shape.batch, DType::f32));
    reserve_ = tensors_.emplace_back(backend_, Shape{bytes}, DType::u8);
    backend_.recurrent_forward(spec_, {.x = x_,
                                       .lengths = lengths_,
                                       .initial_state = initial_,
                                       .weights = weights_,
                                       .y = y_,
                                       .final_state = final_,
                                       .reserve = reserve_});
    return in_time(get(y_), shape.hidden);
  }

  /// dx [T, B, columns] of dy [T, B, H].
  Values backward(const Values& dy) {
    const RnnShape& shape = problem_.shape;
    const TensorView dx = make(x_.shape);
    d_initial_ = make(state_shape());
    backend_.recurrent_backward(
        spec_, {.x = x_,
                .lengths = lengths_,
                .initial_state = initial_,
                .weights = weights_,
                .y = y_,
                .reserve = reserve_,
                .dy = put(in_time(dy, shape.hidden), y_.shape),
                .d_final_state = put(states(problem_.dh, problem_.dc), state_shape()),
                .dx = dx,
                .d_initial_state = d_initial_,
                .d_weights = d_weights_});
    return in_time(get(dx), spec_.input);
  }

  /// Puts what belongs to this layer into a solution.
  void collect(Solution& solution) const {
    collect_state(get(final_), solution.h, solution.c);
    collect_state(get(d_initial_), solution.dh, solution.dc);
    solution.d_weights[index(layer_)] = {get(d_weights_.w_ih), get(d_weights_.w_hh),
                                         get(d_weights_.b_ih), get(d_weights_.b_hh)};
  }

 private:
  Shape state_shape() const {
    return {info_of(spec_.cell).states, problem_.shape.batch, problem_.shape.hidden};
  }
  std::int64_t state_size() const { return problem_.shape.batch * problem_.shape.hidden; }

  TensorView make(const Shape& shape) { return tensors_.emplace_back(backend_, shape, DType::f32); }
  TensorView put(const Values& values, const Shape& shape) {
    const TensorView view = make(shape);
    backend_.upload(std::as_bytes(std::span(values)), view);
    return view;
  }
  Values get(const TensorView& view) const {
    Values values(index(view.count()));
    backend_.download(view, std::as_writable_bytes(std::span(values)));
    return values;
  }
  /// [S, B, H] of this layer.
  Values states(const Values& h, const Values& c) const {
    const auto begin = layer_ * state_size();
    Values result(h.begin() + begin, h.begin() + begin + state_size());
    if (info_of(spec_.cell).states > 1) {
      result.insert(result.end(), c.begin() + begin, c.begin() + begin + state_size());
    }
    return result;
  }
  void collect_state(const Values& from, Values& h, Values& c) const {
    const auto begin = layer_ * state_size();
    std::copy(from.begin(), from.begin() + state_size(), h.begin() + begin);
    if (info_of(spec_.cell).states > 1) {
      std::copy(from.begin() + state_size(), from.end(), c.begin() + begin);
    }
  }
  /// The steps of each row from its last to its first, for the second direction; its own inverse.
  Values in_time(const Values& values, std::int64_t width) const {
    if (layer_ % problem_.shape.direction_count() == 0) return values;
    const std::int64_t batch = problem_.shape.batch;
    Values result(values.size(), 0.0F);
    for (std::int64_t b = 0; b < batch; ++b) {
      const std::int64_t length = problem_.lengths[index(b)];
      for (std::int64_t t = 0; t < length; ++t) {
        const auto from = values.begin() + ((length - 1 - t) * batch + b) * width;
        std::copy(from, from + width, result.begin() + (t * batch + b) * width);
      }
    }
    return result;
  }

  Backend& backend_;
  const Problem& problem_;
  std::int64_t layer_;
  RecurrentSpec spec_;
  std::deque<Tensor> tensors_;
  RecurrentWeights weights_, d_weights_;
  TensorView lengths_, x_, initial_, y_, final_, reserve_, d_initial_;
};

/// Columns [begin, begin + count) of rows of `width`, and back.
Values columns(const Values& rows, std::int64_t width, std::int64_t begin, std::int64_t count) {
  Values result;
  for (std::size_t row = 0; row < rows.size() / index(width); ++row) {
    const auto from = rows.begin() + static_cast<std::int64_t>(row) * width + begin;
    result.insert(result.end(), from, from + count);
  }
  return result;
}

void put_columns(const Values& from, std::int64_t count, Values& rows, std::int64_t width,
                 std::int64_t begin) {
  for (std::size_t row = 0; row < from.size() / index(count); ++row) {
    const auto first = from.begin() + static_cast<std::int64_t>(row) * count;
    std::copy(first, first + count, rows.begin() + static_cast<std::int64_t>(row) * width + begin);
  }
}

Solution solve_by_reference(const Problem& problem) {
  const auto backend = make_backend("reference");
  const RnnShape& shape = problem.shape;
  std::deque<ReferenceLayer> layers;
  Solution solution;
  solution.d_weights.resize(index(shape.pseudo_layers()));
  for (Values* states : {&solution.h, &solution.c, &solution.dh, &solution.dc}) {
    states->resize(index(shape.state_count()));
  }
  Values values = problem.x;
  for (std::int64_t level = 0; level < shape.layers; ++level) {
    Values outputs(index(shape.steps * shape.batch * shape.output()));
    for (std::int64_t d = 0; d < shape.direction_count(); ++d) {
      layers.emplace_back(*backend, problem, level * shape.direction_count() + d);
      put_columns(layers.back().forward(values), shape.hidden, outputs, shape.output(),
                  d * shape.hidden);
    }
    values = outputs;
  }
  solution.y = values;
  values = problem.dy;
  for (std::int64_t level = shape.layers - 1; level >= 0; --level) {
    Values inputs;
    for (std::int64_t d = 0; d < shape.direction_count(); ++d) {
      ReferenceLayer& layer = layers[index(level * shape.direction_count() + d)];
      const Values dx =
          layer.backward(columns(values, shape.output(), d * shape.hidden, shape.hidden));
      inputs.resize(dx.size(), 0.0F);
      std::transform(dx.begin(), dx.end(), inputs.begin(), inputs.begin(), std::plus<>());
    }
    values = inputs;
  }
  solution.dx = values;
  for (const ReferenceLayer& layer : layers) layer.collect(solution);
  return solution;
}

using Bytes = DeviceArray<std::uint8_t>;

/// Weights of a stack on the device, and the pointers to them.
class DeviceWeights {
 public:
  explicit DeviceWeights(const std::vector<LayerWeights>& layers) {
    for (const LayerWeights& layer : layers) {
      cuda::RnnLayerWeights& pointers = pointers_.emplace_back();
      pointers = {put(layer.w_ih), put(layer.w_hh), put(layer.b_ih), put(layer.b_hh)};
    }
  }
  std::span<const cuda::RnnLayerWeights> pointers() const { return pointers_; }
  std::vector<LayerWeights> values() const {
    std::vector<LayerWeights> layers;
    for (std::size_t i = 0; i < arrays_.size(); i += 4) {
      layers.push_back({arrays_[i].values(), arrays_[i + 1].values(), arrays_[i + 2].values(),
                        arrays_[i + 3].values()});
    }
    return layers;
  }

 private:
  float* put(const Values& values) { return arrays_.emplace_back(values).data(); }

  std::deque<DeviceArray<float>> arrays_;
  std::vector<cuda::RnnLayerWeights> pointers_;
};

constexpr float kGradientBefore = 0.25F;

std::vector<LayerWeights> like(const std::vector<LayerWeights>& layers, float value) {
  std::vector<LayerWeights> result = layers;
  for (LayerWeights& layer : result) {
    for (Values* values : {&layer.w_ih, &layer.w_hh, &layer.b_ih, &layer.b_hh}) {
      std::fill(values->begin(), values->end(), value);
    }
  }
  return result;
}

Solution solve_by_cudnn(const Problem& problem) {
  const RnnShape& shape = problem.shape;
  const cuda::Stream stream = cuda::make_stream();
  const cuda::CudnnHandle handle = cuda::make_cudnn_handle(stream.get());
  CudnnPlanner planner;
  CudnnPlan& plan = planner.plan(shape);
  if (shape.lengths == Lengths::varied) plan.rnn->set_lengths(problem.lengths);
  const DeviceWeights weights(problem.weights);
  const DeviceWeights gradients(like(problem.weights, kGradientBefore));
  const Bytes space(plan.rnn->weight_bytes());
  const Bytes d_space(std::vector<std::uint8_t>(plan.rnn->weight_bytes(), 0));
  const Bytes workspace(plan.rnn->workspace_bytes());
  const Bytes reserve(plan.rnn->reserve_bytes());
  const DeviceArray<float> x(problem.x), h(problem.h), c(problem.c), dy(problem.dy), dh(problem.dh),
      dc(problem.dc);
  const DeviceArray<float> y(problem.dy.size()), h_after(problem.h.size()),
      c_after(problem.c.size()), dx(Values(problem.x.size(), 0.0F)), dh_before(problem.h.size()),
      dc_before(problem.c.size());
  CADENZA_CUDA_CHECK(cudaDeviceSynchronize());  // the arrays were filled on another stream
  plan.layout->pack(weights.pointers(), space.data(), stream.get());
  plan.rnn->forward(handle.get(), {.x = x.data(),
                                   .y = y.data(),
                                   .h_before = h.data(),
                                   .c_before = c.data(),
                                   .h_after = h_after.data(),
                                   .c_after = c_after.data(),
                                   .weights = space.data(),
                                   .workspace = workspace.data(),
                                   .reserve = reserve.data()});
  plan.rnn->backward(handle.get(), {.x = x.data(),
                                    .y = y.data(),
                                    .h_before = h.data(),
                                    .c_before = c.data(),
                                    .weights = space.data(),
                                    .dy = dy.data(),
                                    .dh_after = dh.data(),
                                    .dc_after = dc.data(),
                                    .dx = dx.data(),
                                    .dh_before = dh_before.data(),
                                    .dc_before = dc_before.data(),
                                    .d_weights = d_space.data(),
                                    .workspace = workspace.data(),
                                    .reserve = reserve.data()});
  plan.layout->add(d_space.data(), nullptr, gradients.pointers(), stream.get());
  CADENZA_CUDA_CHECK(cudaStreamSynchronize(stream.get()));
  return {y.values(),         h_after.values(),   c_after.values(),  dx.values(),
          dh_before.values(), dc_before.values(), gradients.values()};
}

void expect_close(const std::string& what, const Values& expected, const Values& got,
                  float before = 0.0F) {
  ASSERT_EQ(expected.size(), got.size()) << what;
  float scale = 0.0F;
  for (const float value : expected) scale = std::max(scale, std::fabs(value));
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_LE(std::fabs(expected[i] - (got[i] - before)), 2e-5F * scale) << what << " at " << i;
  }
}

void expect_same_solution(const Problem& problem) {
  const Solution expected = solve_by_reference(problem);
  const Solution got = solve_by_cudnn(problem);
  const std::string of = " of " + problem.shape.text();
  expect_close("y" + of, expected.y, got.y);
  expect_close("h" + of, expected.h, got.h);
  expect_close("dx" + of, expected.dx, got.dx);
  expect_close("dh" + of, expected.dh, got.dh);
  if (info_of(problem.shape.cell).states > 1) {
    expect_close("c" + of, expected.c, got.c);
    expect_close("dc" + of, expected.dc, got.dc);
  }
  for (std::size_t l = 0; l < expected.d_weights.size(); ++l) {
    const std::string layer = message(" of layer ", l, of);
    const LayerWeights& e = expected.d_weights[l];
    const LayerWeights& g = got.d_weights[l];
    expect_close("d w_ih" + layer, e.w_ih, g.w_ih, kGradientBefore);
    expect_close("d w_hh" + layer, e.w_hh, g.w_hh, kGradientBefore);
    expect_close("d b_ih" + layer, e.b_ih, g.b_ih, kGradientBefore);
    expect_close("d b_hh" + layer, e.b_hh, g.b_hh, kGradientBefore);
  }
}

using CudnnRnnTest = test::KernelTest;

TEST_F(CudnnRnnTest, StacksAgreeWithLayersOfTheReference) {
  for (const CellInfo& cell : cells()) {
    for (const std::int64_t layers : {1, 2, 3}) {
      for (const Directions directions : {Directions::one, Directions::two}) {
        const RnnShape shape = {.cell = cell.kind,
                                .input = 5,
                                .hidden = 32,
                                .layers = layers,
                                .directions = directions,
                                .steps = 4,
                                .batch = 3};
        expect_same_solution(make_problem(shape, {4, 4, 4}));
      }
    }
  }
}

TEST_F(CudnnRnnTest, StacksAgreeWithLayersOfTheReferenceOverLengths) {
  for (const CellInfo& cell : cells()) {
    for (const Directions directions : {Directions::one, Directions::two}) {
      const RnnShape shape = {.cell = cell.kind,
                              .input = 3,
                              .hidden = 6,
                              .layers = 2,
                              .directions = directions,
                              .steps = 5,
                              .batch = 4,
                              .lengths = Lengths::varied};
      expect_same_solution(make_problem(shape, {3, 5, 1, 4}));
    }
  }
}

TEST_F(CudnnRnnTest, PlansAreMadeOnceAndStated) {
  CudnnPlanner planner;
  const RnnShape shape = {.cell = CellKind::gru, .input = 8, .hidden = 7, .steps = 3, .batch = 2};
  const std::size_t bytes = planner.reserve_bytes(shape);
  EXPECT_TRUE(planner.decisions().empty());
  CudnnPlan* const plan = &planner.plan(shape);
  EXPECT_GE(bytes, plan->rnn->reserve_bytes());
  EXPECT_EQ(plan, &planner.plan(shape));
  ASSERT_EQ(1U, planner.decisions().size());
  EXPECT_TRUE(planner.decisions()[0].starts_with("recurrent gru I=8 H=7 T=3 B=2 fp32: "))
      << planner.decisions()[0];
}

}  // namespace
}  // namespace cadenza
