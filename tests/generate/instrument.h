// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/generator.h"
#include "nn/host_copy.h"
#include "train/batches.h"

namespace cadenza::test {

/// A small language model on a backend of its own.
struct Instrument {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Tokenizer> tokenizer;
};

constexpr int kInstrumentTokens = 37;

/// Two layers of an architecture that is otherwise `config`, initialised, and sharper than a fresh
/// model is, so that what is drawn depends on the state, on conditions and on what is attended to.
inline Instrument make_instrument(LanguageModelConfig config, std::string_view backend = "auto",
                                  int threads = 1) {
  const bool tokens = config.head == Head::softmax;
  config.width = tokens ? kInstrumentTokens : static_cast<int>(Frame().size());
  config.layers = 2;
  config.hidden = 45;
  config.nade_hidden = 19;
  Instrument instrument;
  instrument.backend = make_backend(backend, {.threads = threads});
  instrument.model = std::make_unique<LanguageModel>(*instrument.backend, config);
  instrument.model->initialize(3);
  const auto sharpen = [&](const std::string& name, double factor) {
    auto values = instrument.model->parameters().download(name);
    for (double& value : values) value *= factor;
    instrument.model->parameters().upload(name, values);
  };
  sharpen("output.weight", 8.0);
  for (const Condition& condition : config.conditions) sharpen(condition.parameter(), 8.0);
  if (config.attention_length > 0) {
    sharpen("attention.query.weight", 100.0);
    sharpen("attention.output.weight", 3.0);
  }
  instrument.tokenizer =
      tokens ? make_tokenizer("ids", "vocabulary=37") : make_tokenizer("pianoroll");
  return instrument;
}

inline std::vector<Generated> run(const Instrument& instrument, const GenerationRequest& request) {
  return Generator(*instrument.model, *instrument.tokenizer).run(request);
}

/// Five steps.
inline Sequence primer_for(Head head) {
  Sequence primer;
  for (int i = 0; i < 5; ++i) {
    if (head == Head::softmax) {
      primer.tokens.push_back(3 * i);
    } else {
      primer.frames.push_back(Frame().set(static_cast<std::size_t>(20 + i)));
    }
  }
  return primer;
}

/// Log probability of the steps from `first` on by the way that training goes, in stretches of
/// `stretch` steps.
inline double log_probability(LanguageModel& model, const Sequence& sequence,
                              const std::vector<ConditionValue>& conditions = {},
                              std::size_t first = 0, std::int64_t stretch = 1 << 20) {
  std::vector<Piece> pieces = {{.name = "", .sequence = sequence, .conditions = conditions}};
  EpochBatches batches({.pieces = &pieces,
                        .kind = model.config().step_kind(),
                        .width = model.config().width,
                        .rows = 1,
                        .sequence_length = stretch,
                        .history = model.history()},
                       {0}, false);
  Arena arena(model.backend());
  const std::vector<Tensor> state = model.make_state(1);
  std::vector<double> losses;
  while (const auto batch = batches.next()) {
    arena.reset();
    Tape tape(model.backend(), arena, DType::f32, GradMode::none);
    const auto some = download_real(model.backend(), model.loss(tape, *batch, state, {}, 1.0));
    losses.insert(losses.end(), some.begin(), some.end());
  }
  return -std::accumulate(losses.begin() + static_cast<std::ptrdiff_t>(first), losses.end(), 0.0);
}

}  // namespace cadenza::test
