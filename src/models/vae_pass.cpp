// SPDX-License-Identifier: Apache-2.0
#include "models/vae_pass.h"

#include "cadenza/random.h"
#include "models/dropout_place.h"
#include "nn/arrange.h"
#include "nn/flat_rows.h"

namespace cadenza {

RecurrentStack encoder_of(const VaeConfig& config) {
  return {.prefix = "encoder.",
          .cell = config.cell,
          .layers = config.encoder_layers,
          .input = config.embedding,
          .hidden = config.hidden,
          .directions = Directions::both};
}

RecurrentStack conductor_of(const VaeConfig& config) {
  return {.prefix = "conductor.",
          .cell = config.cell,
          .layers = config.layers,
          .input = config.told(),
          .hidden = config.hidden};
}

RecurrentStack decoder_of(const VaeConfig& config) {
  return {.prefix = "decoder.",
          .cell = config.cell,
          .layers = config.layers,
          .input = config.embedding + (config.segments > 1 ? config.hidden : config.told()),
          .hidden = config.hidden};
}

SegmentGrid::SegmentGrid(const VaeConfig& config, std::int64_t steps, std::int64_t pieces)
    : piece_steps_(steps),
      pieces_(pieces),
      length_(config.segments > 1 ? config.segment_steps() : steps),
      segments_((steps + length_ - 1) / length_) {}

std::size_t SegmentGrid::cell_of(std::size_t i) const {
  const std::int64_t t = static_cast<std::int64_t>(i) / pieces_;
  const std::int64_t b = static_cast<std::int64_t>(i) % pieces_;
  return static_cast<std::size_t>((t % length_) * rows() + (t / length_) * pieces_ + b);
}

TensorView SegmentGrid::restore(Tape& tape, const TensorView& values) const {
  if (segments_ == 1) return values;
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < piece_steps_ * pieces_; ++i) {
    ids.push_back(static_cast<std::int32_t>(cell_of(static_cast<std::size_t>(i))));
  }
  const auto count = static_cast<std::int64_t>(ids.size());
  const TensorView result = tape.allocate({count});
  tape.backend().embedding({.ids = tape.upload(std::span(ids), {count}),
                            .table = values.reshaped({values.count(), 1}),
                            .y = result.reshaped({count, 1})});
  return result;
}

VaePass::VaePass(Tape& tape, const VaeConfig& config, Parameters& parameters, const DropoutKey& key)
    : tape_(tape),
      config_(config),
      parameters_(parameters),
      key_(key),
      embedding_(parameter(tape, parameters, "embedding.weight")),
      output_(linear_parameters(tape, parameters, "output.")) {}

DropoutPlace VaePass::place(double rate, int which, std::int64_t t) const {
  return dropout_place(key_, rate, which, t);
}

VaePass::Encoded VaePass::encode(const Pieces& pieces) {
  const auto batch = static_cast<std::int64_t>(pieces.lengths.size());
  const TensorView ids = tape_.upload(pieces.ids, {pieces.steps, batch});
  Variable& x =
      dropout(tape_, embedding(tape_, ids, embedding_), place(config_.input_dropout, kSourcePlace));
  Variable& summary =
      cadenza::encode(
          tape_, parameters_, encoder_of(config_),
          {.x = &x,
           .lengths = pieces.lengths,
           .dropout = [this](int layer) { return place(config_.dropout, kEncoderPlace + layer); }})
          .summary;
  Variable& mean = linear(tape_, summary, linear_parameters(tape_, parameters_, "mean."));
  if (config_.variational == Variational::no) return {mean, {}};
  Variable& spread = linear(tape_, summary, linear_parameters(tape_, parameters_, "spread."));
  return {mean, Gaussian(tape_, mean, spread)};
}

std::vector<std::int32_t> VaePass::hide_words(std::vector<std::int32_t> ids,
                                              std::int64_t rows) const {
  if (!key_.training || config_.word_dropout == 0.0) return ids;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto cell = static_cast<std::int64_t>(i);
    const RandomAddress address = {
        .purpose = RandomPurpose::word,
        .sequence = static_cast<std::uint64_t>(key_.step * rows + cell % rows),
        .step = static_cast<std::uint32_t>(cell / rows)};
    if (uniform_double(random_bits(key_.seed, address)) < config_.word_dropout) ids[i] = -1;
  }
  return ids;
}

Variable& VaePass::tell(Variable& codes, std::span<const std::int32_t> labels) {
  if (config_.labels == 0) return codes;
  const TensorView ids = tape_.upload(labels, {static_cast<std::int64_t>(labels.size())});
  Variable& table = parameter(tape_, parameters_, "label_embedding.weight");
  return join_columns(tape_, {&codes, &embedding(tape_, ids, table)});
}

Variable& VaePass::conduct(Variable& told, std::int64_t segments) {
  if (config_.segments == 1) return told;
  const RecurrentLayers conductor(tape_, parameters_, conductor_of(config_));
  std::vector<Variable*> states =
      first_states(tape_, parameters_, conductor.stack, "conductor.bridge.", told);
  Variable& orders =
      conductor.run(tape_, repeat(told, segments), states, [](int) { return DropoutPlace(); });
  return reshape(tape_, orders, flat_rows(orders.value()).shape);
}

Variable& VaePass::repeat(Variable& codes, std::int64_t steps) {
  const std::int64_t rows = codes.value().shape[0];
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < steps * rows; ++i) {
    ids.push_back(static_cast<std::int32_t>(i % rows));
  }
  return gather_rows(tape_, codes, tape_.upload(std::span(ids), {steps * rows}),
                     {steps, rows, codes.value().shape[1]});
}

Variable& VaePass::predict(Variable& told, std::span<const std::int32_t> inputs,
                           const SegmentGrid& grid) {
  Variable& orders = conduct(told, grid.segments());
  const RecurrentLayers layers(tape_, parameters_, decoder_of(config_));
  std::vector<Variable*> states = first_states(tape_, parameters_, layers.stack, "bridge.", orders);
  const std::vector<std::int32_t> ids = hide_words(grid.arrange(inputs, -1), grid.rows());
  Variable& truth =
      embedding(tape_, tape_.upload(std::span(ids), {grid.steps(), grid.rows()}), embedding_);

  // Step by step only where a step reads what the one before gave. What is computed beyond the
  // length of a piece has no weight in its loss.
  OwnTokens own(tape_, {config_.own_tokens, config_.own_tokens_slope}, grid.rows(), key_);
  const StepDecoder decoder = {
      .embed = [&](const TensorView& drawn) -> Variable& {
        return embedding(tape_, drawn, embedding_);
      },
      .decode = [&](Variable& x, std::int64_t t) -> Variable& {
        Variable& heard = dropout(tape_, x, place(config_.input_dropout, kTargetPlace, t));
        Variable& input = join_columns(tape_, {&heard, &repeat(orders, x.value().shape[0])});
        return layers.run(tape_, input, states, [&](int layer) {
          return place(config_.dropout, kDecoderPlace + layer, t);
        });
      },
      .logits = [&](const TensorView& features) { return logits(features); }};
  Variable& features =
      own.any() ? decode_stepwise(tape_, truth, own, decoder) : decoder.decode(truth, 0);
  return linear(tape_, features, output_);
}

TensorView VaePass::losses(Variable& told, const Batch& batch, double scale) {
  const SegmentGrid grid(config_, batch.steps, batch.rows);
  Variable& predicted = predict(told, batch.input_ids, grid);
  const auto targets = grid.arrange(std::span(batch.target_ids), -1);
  const auto weights = grid.arrange(std::span(batch.weights), 0.0F);
  return grid.restore(
      tape_, softmax_loss(tape_, predicted, tape_.upload(std::span(targets), {grid.cells()}),
                          tape_.upload(std::span(weights), {grid.cells()}), scale));
}

TensorView VaePass::logits(const TensorView& features) { return linear(tape_, features, output_); }

}  // namespace cadenza
