// SPDX-License-Identifier: Apache-2.0
#include "models/own_tokens.h"

#include <cmath>

#include "cadenza/error.h"
#include "cadenza/random.h"
#include "nn/arrange.h"

namespace cadenza {
namespace {

double share_of(const OwnTokensRate& rate, const DropoutKey& key) {
  if (!key.training) return 0.0;
  return rate.share * (1.0 - rate.slope / (rate.slope + std::exp(key.step / rate.slope)));
}

}  // namespace

OwnTokens::OwnTokens(Tape& tape, const OwnTokensRate& rate, std::int64_t rows,
                     const DropoutKey& key)
    : tape_(tape), rows_(rows), key_(key), share_(share_of(rate, key)) {
  if (share_ == 0.0) return;
  check(tape.dtype() == DType::f32, "loss: scheduled sampling draws tokens in f32, got f64");
  draws_.emplace(tape, SamplingParams(),
                 TokenDraws::Rows{.seed = key.seed, .first = key.step * rows_, .count = rows_});
}

TensorView OwnTokens::draw(const TensorView& logits, std::int64_t t) {
  const TensorView tokens = tape_.allocate({rows_}, DType::i32);
  draws_->draw({.logits = logits, .tokens = tokens}, t);
  return tokens;
}

TensorView OwnTokens::choose(std::int64_t t) {
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

Variable& decode_stepwise(Tape& tape, Variable& truth, OwnTokens& own, const StepDecoder& decoder) {
  std::vector<Variable*> steps;
  for (std::int64_t t = 0; t < truth.value().shape[0]; ++t) {
    Variable* x = &slice(tape, truth, t, 1);
    if (own.any() && t > 0) {
      const TensorView drawn = own.draw(decoder.logits(steps.back()->value()), t - 1);
      Variable& both = stack(tape, {x, &reshape(tape, decoder.embed(drawn), x->value().shape)});
      x = &gather_rows(tape, both, own.choose(t), x->value().shape);
    }
    steps.push_back(&decoder.decode(*x, t));
  }
  return stack(tape, steps);
}

}  // namespace cadenza
