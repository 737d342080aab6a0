// SPDX-License-Identifier: Apache-2.0
#include "cadenza/seq2seq.h"

#include <cmath>

#include "cadenza/error.h"
#include "cadenza/random.h"
#include "models/model_json.h"
#include "models/seq2seq_pass.h"
#include "nn/arrange.h"

namespace cadenza {
namespace {

void check_range(const char* name, double value, double low, double high) {
  check(value >= low && value <= high, "model: ", name, " is ", value, ", expected ", low, " to ",
        high);
}

double own_share(const Seq2SeqConfig& config, const DropoutKey& key) {
  if (!key.training) return 0.0;
  const double k = config.own_tokens_slope;
  return config.own_tokens * (1.0 - k / (k + std::exp(key.step / k)));
}

/// What the decoder reads instead of true tokens in scheduled sampling.
class OwnTokens {
 public:
  OwnTokens(Tape& tape, const Seq2SeqConfig& config, const Batch& batch, const DropoutKey& key)
      : tape_(tape), rows_(batch.rows), key_(key) {
    share_ = own_share(config, key);
    if (share_ == 0.0) return;
    check(tape.dtype() == DType::f32, "loss: scheduled sampling draws tokens in f32, got f64");
    params_ = tape.allocate({rows_, sizeof(RowSampling)}, DType::u8);
    const std::vector<RowSampling> params(static_cast<std::size_t>(rows_), pack({}));
    tape.backend().upload(std::as_bytes(std::span(params)), params_);
    sequences_ = tape.allocate({rows_}, DType::i64);
    std::vector<std::int64_t> numbers;
    for (std::int64_t b = 0; b < rows_; ++b) numbers.push_back(key.step * rows_ + b);
    tape.backend().upload(std::as_bytes(std::span(numbers)), sequences_);
  }

  bool any() const { return share_ > 0.0; }

  /// Tokens drawn from what was predicted at step t - 1.
  TensorView draw(const TensorView& logits, std::int64_t t) {
    const std::vector<std::int32_t> steps(static_cast<std::size_t>(rows_),
                                          static_cast<std::int32_t>(t));
    const TensorView tokens = tape_.allocate({rows_}, DType::i32);
    tape_.backend().sample_tokens({.logits = logits,
                                   .rows = {.seed = key_.seed,
                                            .params = params_,
                                            .sequences = sequences_,
                                            .steps = tape_.upload(std::span(steps), {rows_})},
                                   .tokens = tokens,
                                   .status = tape_.allocate({rows_}, DType::i32)});
    return tokens;
  }

  /// In a stack of B true rows and B drawn ones, those that step t reads.
  TensorView choose(std::int64_t t) {
    std::vector<std::int32_t> rows;
    for (std::int64_t b = 0; b < rows_; ++b) {
      const RandomAddress address = {.purpose = RandomPurpose::schedule,
                                     .sequence = static_cast<std::uint64_t>(key_.step * rows_ + b),
                                     .step = static_cast<std::uint32_t>(t)};
      const bool own = uniform_double(random_bits(key_.seed, address)) < share_;
      rows.push_back(static_cast<std::int32_t>(own ? rows_ + b : b));
    }
    return tape_.upload(std::span(rows), {rows_});
  }

 private:
  Tape& tape_;
  std::int64_t rows_;
  DropoutKey key_;
  double share_ = 0.0;
  TensorView params_;
  TensorView sequences_;
};

}  // namespace

void Seq2SeqConfig::validate() const {
  constexpr double kMaxUnits = 1 << 16;
  check_range("source_width", source_width, 1, (1 << 26) - 1);
  check_range("width", width, 1, (1 << 22) - 1);
  check_range("embedding", embedding, 1, kMaxUnits);
  check_range("encoder_layers", encoder_layers, 0, 64);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check(dropout >= 0 && dropout < 1, "model: dropout is ", dropout, ", expected [0, 1)");
  check(input_dropout >= 0 && input_dropout < 1, "model: input_dropout is ", input_dropout,
        ", expected [0, 1)");
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  check_range("own_tokens", own_tokens, 0, 1);
  check_range("own_tokens_slope", own_tokens_slope, 1, 1e9);
  check(encoder_layers == 0 || hidden % 2 == 0, "model: hidden is ", hidden,
        ", expected an even number, half of it for each direction of the encoder");
  check(encoder_layers > 0 || attention == Scoring::none,
        "model: attention needs an encoder, encoder_layers is 0");
  check(attention != Scoring::none || input_feeding == InputFeeding::no,
        "model: input feeding feeds what attention gives, attention is none");
}

std::vector<ParameterSpec> parameter_specs(const Seq2SeqConfig& config) {
  config.validate();
  const std::int64_t hidden = config.hidden;
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden));
  std::vector<ParameterSpec> specs;
  if (config.encoder_layers > 0) {
    specs.push_back({"source_embedding.weight", {config.source_width, config.embedding}, 1.0});
    encoder_of(config).add_specs(specs);
    add_linear_specs(specs, "bridge.", hidden,
                     hidden * config.layers * info_of(config.cell).states);
  }
  specs.push_back({"embedding.weight", {config.width + 1, config.embedding}, 1.0});
  decoder_of(config).add_specs(specs);
  if (config.attention == Scoring::additive || config.attention == Scoring::general) {
    specs.push_back({"attention.query.weight", {hidden, hidden}, bound});
  }
  if (config.attention == Scoring::additive) {
    specs.push_back({"attention.key.weight", {hidden, hidden}, bound});
    specs.push_back({"attention.v", {hidden}, bound});
  }
  if (config.attention != Scoring::none) {
    add_linear_specs(specs, "attention.output.", 2 * hidden, hidden);
  }
  add_linear_specs(specs, "output.", hidden, config.width + 1);
  return specs;
}

Seq2Seq::Seq2Seq(Backend& backend, const Seq2SeqConfig& config, DType dtype)
    : config_(config), parameters_(backend, dtype, parameter_specs(config)) {}

void Seq2Seq::initialize(std::uint64_t seed) {
  parameters_.initialize(seed);
  if (config_.encoder_layers > 0) {
    encoder_of(config_).add_forget_bias(parameters_, config_.forget_bias);
  }
  decoder_of(config_).add_forget_bias(parameters_, config_.forget_bias);
}

std::string Seq2Seq::architecture() const { return to_json(config_); }

std::string Seq2Seq::summary() const {
  const std::string_view cell = info_of(config_.cell).name;
  const std::string encoder = config_.encoder_layers == 0
                                  ? std::string("no encoder")
                                  : message("encoder ", config_.encoder_layers, " x ", cell,
                                            "(2 x ", config_.hidden / 2, ")");
  return message(encoder, ", decoder ", config_.layers, " x ", cell, "(", config_.hidden,
                 "), attention ", name_of(config_.attention),
                 config_.input_feeding == InputFeeding::yes ? ", input feeding" : "");
}

void Seq2Seq::check_data(const Dataset& data) const {
  check(data.pairs.has_value(),
        "the data holds single sequences, expected pairs of a source and a target for seq2seq");
  check(data.step_kind == StepKind::token && data.vocabulary == config_.width &&
            data.pairs->vocabulary == config_.source_width,
        "the data has pairs over ", data.pairs->vocabulary, " and ", data.vocabulary,
        " tokens, the model over ", config_.source_width, " and ", config_.width);
}

TensorView Seq2Seq::loss(Tape& tape, const Batch& batch, std::span<const Tensor>,
                         const DropoutKey& key, double scale) {
  check(batch.kind == StepKind::token && batch.width == config_.width &&
            static_cast<std::int64_t>(batch.source_lengths.size()) == batch.rows,
        "loss: the batch has targets over ", batch.width, " tokens and ",
        batch.source_lengths.size(), " sources, expected ", config_.width, " and ", batch.rows);
  Seq2SeqPass pass(tape, config_, parameters_, key);
  auto [memory, state] = pass.encode(
      {.steps = batch.source_steps, .ids = batch.source_ids, .lengths = batch.source_lengths});
  const TensorView ids = tape.upload(std::span(batch.input_ids), {batch.steps, batch.rows});
  Variable& truth = pass.embed(ids);

  // The decoder goes step by step where a step reads what the one before it gave, and otherwise
  // through all steps at once. What it computes beyond a target's length has no weight.
  OwnTokens own(tape, config_, batch, key);
  Variable* features = nullptr;
  if (config_.input_feeding == InputFeeding::no && !own.any()) {
    features = &pass.decode(pass.drop_input(truth, 0), memory, state, 0);
  } else {
    std::vector<Variable*> steps;
    for (std::int64_t t = 0; t < batch.steps; ++t) {
      Variable* x = &slice(tape, truth, t, 1);
      if (own.any() && t > 0) {
        const TensorView drawn = own.draw(pass.logits(steps.back()->value()), t - 1);
        Variable& both = stack(tape, {x, &reshape(tape, pass.embed(drawn), x->value().shape)});
        x = &gather_rows(tape, both, own.choose(t), x->value().shape);
      }
      steps.push_back(&pass.decode(pass.drop_input(*x, t), memory, state, t));
    }
    features = &stack(tape, steps);
  }
  const std::int64_t count = batch.steps * batch.rows;
  return softmax_loss(tape, pass.logits(*features),
                      tape.upload(std::span(batch.target_ids), {count}),
                      tape.upload(std::span(batch.weights), {count}), scale);
}

}  // namespace cadenza
