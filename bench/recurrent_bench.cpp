// SPDX-License-Identifier: Apache-2.0
// A training step (forward, loss, backward, Adam) of the model of the Keras tutorials, straight on
// the backend: ids -> LSTM(256) -> LSTM(256) -> dense(128) -> softmax loss. FLOP/s counts products
// only, 3 x 1,638,400 a token; the one-hot input is not multiplied.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "cadenza/backend.h"

namespace {

using cadenza::Backend;
using cadenza::DType;
using cadenza::RecurrentSpec;
using cadenza::RecurrentWeights;
using cadenza::Shape;
using cadenza::Tensor;
using cadenza::TensorView;

constexpr std::int64_t kVocabulary = 128;
constexpr std::int64_t kHidden = 256;

void fill_random(Backend& backend, const TensorView& to, std::mt19937& generator) {
  std::uniform_real_distribution<float> uniform(-0.06F, 0.06F);
  std::vector<float> values(static_cast<std::size_t>(to.count()));
  for (float& value : values) value = uniform(generator);
  backend.upload(std::as_bytes(std::span(values)), to);
}

/// All parameters, or all their gradients or moments, in one buffer.
struct Parameters {
  Tensor flat;
  RecurrentWeights layers[2];
  TensorView dense, bias;

  explicit Parameters(Backend& backend) : flat(backend, {count()}, DType::f32) {
    std::int64_t used = 0;
    const auto take = [&](const Shape& shape) {
      const TensorView view = flat.view().slice(used, shape.count()).reshaped(shape);
      used += shape.count();
      return view;
    };
    for (int i = 0; i < 2; ++i) {
      layers[i] = {take({4 * kHidden, i == 0 ? kVocabulary : kHidden}),
                   take({4 * kHidden, kHidden}), take({4 * kHidden}), take({4 * kHidden})};
    }
    dense = take({kVocabulary, kHidden});
    bias = take({kVocabulary});
  }

  static std::int64_t count() {
    return 4 * kHidden * (kVocabulary + 3 * kHidden + 4) + kVocabulary * (kHidden + 1);
  }
};

class Model {
 public:
  Model(Backend& backend, std::int64_t steps, std::int64_t batch)
      : backend_(backend),
        parameters_(backend),
        gradients_(backend),
        first_(backend, {Parameters::count()}, DType::f32),
        second_(backend, {Parameters::count()}, DType::f32),
        ids_(backend, {steps, batch}, DType::i32),
        targets_(backend, {steps * batch}, DType::i32),
        logits_(backend, {steps * batch, kVocabulary}, DType::f32),
        loss_(backend, {steps * batch}, DType::f32) {
    std::mt19937 generator(1);
    fill_random(backend, parameters_.flat, generator);
    std::vector<std::int32_t> ids(static_cast<std::size_t>(steps * batch));
    for (auto& id : ids) id = static_cast<std::int32_t>(generator() % kVocabulary);
    backend.upload(std::as_bytes(std::span(ids)), ids_);
    backend.upload(std::as_bytes(std::span(ids)), targets_);
    for (int i = 0; i < 2; ++i) {
      specs_[i] = {cadenza::CellKind::lstm, i == 0 ? kVocabulary : kHidden, kHidden};
      y_[i] = Tensor(backend, {steps, batch, kHidden}, DType::f32);
      dy_[i] = Tensor(backend, {steps, batch, kHidden}, DType::f32);
      const auto bytes = backend.recurrent_reserve_bytes(specs_[i], steps, batch, DType::f32);
      reserve_[i] = Tensor(backend, {static_cast<std::int64_t>(bytes)}, DType::u8);
    }
  }

  void train(std::int64_t step) {
    backend_.fill(gradients_.flat, 0.0);
    forward();
    backward();
    backend_.update({.parameters = parameters_.flat,
                     .gradients = gradients_.flat,
                     .first_moment = first_,
                     .second_moment = second_,
                     .learning_rate = 1e-3,
                     .step = step});
  }

 private:
  TensorView input(int layer) const { return layer == 0 ? ids_.view() : y_[0].view(); }
  /// [T * B, H]
  TensorView rows(const TensorView& view) const {
    return view.reshaped({view.shape[0] * view.shape[1], kHidden});
  }

  void forward() {
    for (int i = 0; i < 2; ++i) {
      backend_.recurrent_forward(
          specs_[i],
          {.x = input(i), .weights = parameters_.layers[i], .y = y_[i], .reserve = reserve_[i]});
    }
    backend_.matmul({.a = rows(y_[1]),
                     .b = parameters_.dense,
                     .c = logits_,
                     .transpose_b = cadenza::Transpose::yes,
                     .bias = parameters_.bias});
    backend_.softmax_loss({.logits = logits_,
                           .targets = targets_,
                           .row_loss = loss_,
                           .d_logits = logits_,
                           .scale = 1.0 / static_cast<double>(loss_.view().count())});
  }

  void backward() {
    backend_.matmul({.a = logits_,
                     .b = rows(y_[1]),
                     .c = gradients_.dense,
                     .transpose_a = cadenza::Transpose::yes,
                     .accumulate = cadenza::Accumulate::add});
    backend_.add_column_sums(logits_, gradients_.bias);
    backend_.matmul({.a = logits_, .b = parameters_.dense, .c = rows(dy_[1])});
    for (int i = 1; i >= 0; --i) {
      backend_.recurrent_backward(specs_[i], {.x = input(i),
                                              .weights = parameters_.layers[i],
                                              .y = y_[i],
                                              .reserve = reserve_[i],
                                              .dy = dy_[i],
                                              .dx = i == 0 ? TensorView() : dy_[0].view(),
                                              .d_weights = gradients_.layers[i]});
    }
  }

  Backend& backend_;
  Parameters parameters_, gradients_;
  Tensor first_, second_, ids_, targets_, logits_, loss_;
  RecurrentSpec specs_[2];
  Tensor y_[2], dy_[2], reserve_[2];
};

void train(benchmark::State& state, const std::string& name, int threads) {
  const auto backend = cadenza::make_backend(name, {.threads = threads});
  const std::int64_t batch = state.range(0);
  const std::int64_t steps = state.range(1);
  Model model(*backend, steps, batch);
  std::int64_t step = 0;
  for (auto _ : state) model.train(++step);
  const auto tokens = static_cast<double>(batch * steps);
  state.counters["tokens/s"] =
      benchmark::Counter(tokens, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["FLOP/s"] =
      benchmark::Counter(tokens * 3 * 1638400, benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  for (const std::string name : {"cpu", "reference"}) {
    for (const int threads : {1, 2}) {
      if (name == "reference" && threads > 1) continue;
      const std::string label = "train/" + name + "/threads:" + std::to_string(threads);
      auto* const bench = benchmark::RegisterBenchmark(
          label.c_str(), [name, threads](benchmark::State& state) { train(state, name, threads); });
      bench->ArgNames({"B", "T"})->UseRealTime()->Unit(benchmark::kMillisecond)->Args({32, 64});
      if (name == "cpu") bench->Args({64, 256});
    }
  }
  return true;
}();

}  // namespace
