// SPDX-License-Identifier: Apache-2.0
// Generation with the record models: T steps of a whole batch through Backend::generate, each with
// the draw at temperature 0.9. Caches are warm, as a step finds them that follows another.
#include <vector>

#include "bench/draw_rows.h"
#include "bench/measure.h"
#include "bench/shapes.h"
#include "cadenza/language_model.h"

namespace cadenza::bench {
namespace {

void generate(benchmark::State& state, Place& place, const RecordModel& shape,
              const SequenceShape& size) {
  const auto [batch, steps] = size;
  Backend& backend = *place.backend;
  LanguageModelConfig config;
  config.width = static_cast<int>(shape.vocabulary);
  config.embedding = static_cast<int>(shape.hidden);
  config.hidden = static_cast<int>(shape.hidden);
  config.layers = shape.layers;
  LanguageModel model(backend, config);
  model.initialize(1);
  GenerationNetwork network = model.network();
  network.prepared = backend.prepare_generation(network);  // once a run, as Generator has it
  const std::vector<Tensor> states = model.make_state(batch);
  const Tensor input(backend, {batch}, DType::i32);
  const Tensor tokens(backend, {steps, batch}, DType::i32);
  const DrawRowTensors rows(backend, {.temperature = 0.9}, batch);
  GenerateArgs args;
  args.network = &network;
  args.states.assign(states.begin(), states.end());
  args.input = input;
  args.rows = rows.rows();
  args.tokens = tokens;
  const double made = static_cast<double>(steps * batch);
  const Cost cost = {.flops = made * generation_flops(shape), .items = made, .item = "tokens"};
  measure(state, place, cost, [&] { backend.generate(args); });
  state.counters["us_per_step"] = state.counters["median_us"].value / static_cast<double>(steps);
  report_reading(state, place, generation_bytes(shape), static_cast<double>(steps));
  state.SetLabel(backend.plan_generation(network, batch).kernel);
}

void add_case(const RecordModel& model, const SequenceShape& size) {
  register_case(
      "generate", message(model.name, "/B:", size.batch, "/T:", size.steps),
      static_cast<double>(size.steps * size.batch) * token_flops(model),
      [&model, size](benchmark::State& state, Place& place) {
        generate(state, place, model, size);
      },
      Precisions::all);
}

const bool kRegistered = [] {
  for (const RecordModel& model : kRecordModels) {
    for (const std::int64_t batch : {1, 8, 32, 256, 1024, 4096, 16384}) {
      add_case(model, {batch, 64});
      if (batch == 256 || batch == 1024) add_case(model, {batch, 8});  // short enough for a CPU
    }
  }
  return true;
}();

}  // namespace
}  // namespace cadenza::bench
