// SPDX-License-Identifier: Apache-2.0
// A training step of the record models as the trainer takes it: forward, loss, backward, Adam, as
// one submitted piece. FLOP/s counts products only, three times the least of the forward pass, in
// which what the first layer makes of a token is looked up. Caches are warm, as a step finds them
// that follows another.
#include <vector>

#include "bench/measure.h"
#include "bench/shapes.h"
#include "cadenza/language_model.h"
#include "cadenza/optimizer.h"

namespace cadenza::bench {
namespace {

LanguageModelConfig config_of(const RecordModel& model) {
  LanguageModelConfig config;
  config.width = static_cast<int>(model.vocabulary);
  config.embedding = static_cast<int>(model.hidden);
  config.hidden = static_cast<int>(model.hidden);
  config.layers = model.layers;
  return config;
}

/// Rows of full length with ids that walk through the vocabulary.
Batch make_batch(const RecordModel& model, const SequenceShape& shape) {
  const auto count = static_cast<std::size_t>(shape.steps * shape.batch);
  const auto rows = static_cast<std::size_t>(shape.batch);
  Batch batch;
  batch.steps = shape.steps;
  batch.rows = shape.batch;
  batch.width = model.vocabulary;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id =
        static_cast<std::int64_t>(i * 7919 % static_cast<std::size_t>(model.vocabulary));
    batch.input_ids.push_back(static_cast<std::int32_t>(id));
    batch.target_ids.push_back(static_cast<std::int32_t>(model.vocabulary - 1 - id));
  }
  batch.weights.assign(count, 1.0F);
  batch.lengths.assign(rows, static_cast<std::int32_t>(shape.steps));
  batch.keep_state.assign(rows, 0.0F);
  batch.predicted = static_cast<std::int64_t>(count);
  return batch;
}

void train(benchmark::State& state, Place& place, const RecordModel& shape_of_model,
           const SequenceShape& shape) {
  Backend& backend = *place.backend;
  LanguageModel model(backend, config_of(shape_of_model));
  model.initialize(1);
  Optimizer optimizer(model.parameters(), {.learning_rate = 1e-5, .clip_norm = 1.0});
  const Batch batch = make_batch(shape_of_model, shape);
  const std::vector<Tensor> carried = model.make_state(shape.batch);
  Arena arena(backend);
  const double tokens = static_cast<double>(batch.predicted);
  const Cost cost = {
      .flops = 3.0 * tokens * generation_flops(shape_of_model), .items = tokens, .item = "tokens"};
  measure(state, place, cost, [&] {
    arena.reset();
    backend.submit([&] {
      model.parameters().zero_gradients();
      Tape tape(backend, arena, DType::f32, GradMode::record);
      model.loss(tape, batch, carried, {}, 1.0 / tokens);
      tape.backward();
      optimizer.step(1.0);
    });
  });
  // Forward and back, a layer's recurrent weights are used in every step before the next layer's.
  report_reading(state, place, recurrent_bytes(shape_of_model),
                 2.0 * static_cast<double>(shape.steps) * shape_of_model.layers);
}

const bool kRegistered = [] {
  for (const RecordModel& model : kRecordModels) {
    for (const SequenceShape& shape : kSequenceShapes) {
      const double tokens = static_cast<double>(shape.batch * shape.steps);
      register_case("training_step", message(model.name, "/B:", shape.batch, "/T:", shape.steps),
                    3.0 * tokens * token_flops(model),
                    [&model, &shape](benchmark::State& state, Place& place) {
                      train(state, place, model, shape);
                    });
    }
  }
  return true;
}();

}  // namespace
}  // namespace cadenza::bench
