// SPDX-License-Identifier: Apache-2.0
#include "models/seq2seq_pass.h"

#include "models/dropout_place.h"
#include "nn/arrange.h"

namespace cadenza {

RecurrentStack encoder_of(const Seq2SeqConfig& config) {
  return {.prefix = "encoder.",
          .cell = config.cell,
          .layers = config.encoder_layers,
          .input = config.embedding,
          .hidden = config.hidden / 2,
          .directions = Directions::both};
}

RecurrentStack decoder_of(const Seq2SeqConfig& config) {
  const bool fed = config.input_feeding == InputFeeding::yes;
  return {.prefix = "decoder.",
          .cell = config.cell,
          .layers = config.layers,
          .input = config.embedding + (fed ? config.hidden : 0),
          .hidden = config.hidden};
}

Seq2SeqPass::Seq2SeqPass(Tape& tape, const Seq2SeqConfig& config, Parameters& parameters,
                         const DropoutKey& key)
    : tape_(tape),
      config_(config),
      parameters_(parameters),
      key_(key),
      decoder_(tape, parameters, decoder_of(config)),
      embedding_(parameter(tape, parameters, "embedding.weight")),
      output_(linear_parameters(tape, parameters, "output.")) {
  if (config.attention == Scoring::none) return;
  combine_ = linear_parameters(tape, parameters, "attention.output.");
  if (config.attention == Scoring::dot) return;
  query_.weight = &parameter(tape, parameters, "attention.query.weight");
  if (config.attention == Scoring::additive) {
    score_ = &parameter(tape, parameters, "attention.v");
  }
}

DropoutPlace Seq2SeqPass::place(double rate, int which, std::int64_t t) const {
  return dropout_place(key_, rate, which, t);
}

TensorView Seq2SeqPass::zeros(const Shape& shape) {
  const TensorView zero = tape_.allocate(shape);
  tape_.backend().fill(zero, 0.0);
  return zero;
}

Seq2SeqPass::Encoded Seq2SeqPass::encode(const Sources& sources) {
  const auto batch = static_cast<std::int64_t>(sources.lengths.size());
  const int states = info_of(config_.cell).states;
  Encoded encoded;
  if (config_.input_feeding == InputFeeding::yes) {
    encoded.state.feed = &tape_.constant(zeros({1, batch, config_.hidden}));
  }
  if (config_.encoder_layers == 0) {
    for (int layer = 0; layer < config_.layers; ++layer) {
      encoded.state.layers.push_back(&tape_.constant(zeros({states, batch, config_.hidden})));
    }
    return encoded;
  }
  const TensorView ids = tape_.upload(sources.ids, {sources.steps, batch});
  Variable& x = dropout(
      tape_, embedding(tape_, ids, parameter(tape_, parameters_, "source_embedding.weight")),
      place(config_.input_dropout, kSourcePlace));
  const EncoderOutput output =
      cadenza::encode(tape_, parameters_, encoder_of(config_),
                      {.x = &x, .lengths = sources.lengths, .dropout = [this](int layer) {
                         return place(config_.dropout, kEncoderPlace + layer);
                       }});
  encoded.state.layers =
      first_states(tape_, parameters_, decoder_.stack, "bridge.", output.summary);
  if (config_.attention == Scoring::none) return encoded;
  Memory& memory = encoded.memory;
  memory.values = &output.y;
  memory.keys = &output.y;
  memory.lengths = tape_.upload(sources.lengths, {batch});
  if (config_.attention == Scoring::additive) {
    memory.keys = &reshape(
        tape_,
        linear(tape_, output.y, {&parameter(tape_, parameters_, "attention.key.weight"), nullptr}),
        output.y.value().shape);
  }
  return encoded;
}

Variable& Seq2SeqPass::embed(const TensorView& ids) { return embedding(tape_, ids, embedding_); }

Variable& Seq2SeqPass::drop_input(Variable& x, std::int64_t t) {
  return dropout(tape_, x, place(config_.input_dropout, kTargetPlace, t));
}

Variable& Seq2SeqPass::decode(Variable& input, const Memory& memory, State& state, std::int64_t t) {
  Variable* x = state.feed == nullptr ? &input : &join_columns(tape_, {&input, state.feed});
  x = &decoder_.run(tape_, *x, state.layers, [this, t](int layer) {
    return place(config_.dropout, kDecoderPlace + layer, t);
  });
  if (memory.values == nullptr) return *x;
  Variable& attentional =
      dropout(tape_, attend(*x, memory), place(config_.dropout, kAttentionalPlace, t));
  if (state.feed != nullptr) state.feed = &attentional;
  return attentional;
}

Variable& Seq2SeqPass::attend(Variable& h, const Memory& memory) {
  Variable& queries =
      query_.weight == nullptr ? h : reshape(tape_, linear(tape_, h, query_), h.value().shape);
  const AttentionScore score = {
      .kind = score_ == nullptr ? AttentionKind::dot : AttentionKind::additive, .v = score_};
  Variable& context = attention(tape_, score,
                                {.queries = &queries,
                                 .keys = memory.keys,
                                 .values = memory.values,
                                 .lengths = memory.lengths})
                          .context;
  Variable& combined = linear(tape_, join_columns(tape_, {&context, &h}), combine_);
  return reshape(tape_, activation(tape_, combined, Activation::tanh), h.value().shape);
}

Variable& Seq2SeqPass::logits(Variable& features) { return linear(tape_, features, output_); }

TensorView Seq2SeqPass::logits(const TensorView& features) {
  return linear(tape_, features, output_);
}

}  // namespace cadenza
