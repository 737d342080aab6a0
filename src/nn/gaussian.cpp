// SPDX-License-Identifier: Apache-2.0
#include "nn/gaussian.h"

#include <cmath>
#include <numbers>

#include "cadenza/random.h"
#include "nn/ops.h"

namespace cadenza {
namespace {

TensorView filled(Tape& tape, const Shape& shape, double value) {
  const TensorView view = tape.allocate(shape);
  tape.backend().fill(view, value);
  return view;
}

// to += 2 * x * noise, element by element.
void add_noise(Tape& tape, const TensorView& x, const TensorView& noise, const TensorView& to) {
  const TensorView product = tape.allocate(x.shape);
  tape.backend().copy(x, product);
  tape.backend().scale_rows(product.reshaped({x.count(), 1}), noise.reshaped({x.count()}));
  tape.backend().add(product, to, 2.0);
}

}  // namespace

Gaussian::Gaussian(Tape& tape, Variable& mean, Variable& spread)
    : tape_(tape),
      mean_(mean),
      spread_(spread),
      half_deviation_(activation(tape, spread, Activation::sigmoid)) {}

Variable& Gaussian::sample(const TensorView& noise) const {
  Tape& tape = tape_;
  Variable& mean = mean_;
  Variable& half = half_deviation_;
  Variable& z = tape.activation(mean.value().shape);
  tape.backend().copy(mean.value(), z.value());
  add_noise(tape, half.value(), noise, z.value());
  tape.record([&tape, &mean, &half, &z, noise] {
    const TensorView dz = tape.gradient_of(z);
    tape.contribute(mean, [&](const TensorView& gradient) { tape.backend().copy(dz, gradient); });
    tape.contribute(half, [&](const TensorView& gradient) {
      tape.backend().fill(gradient, 0.0);
      add_noise(tape, dz, noise, gradient);
    });
  });
  return z;
}

Gaussian::Cost Gaussian::divergence(const TensorView& weights, double free_nats,
                                    double scale) const {
  Backend& backend = tape_.backend();
  const Shape shape = mean_.value().shape;
  const TensorView zeros = filled(tape_, shape, 0.0);
  const TensorView ones = filled(tape_, shape, 1.0);
  // With deviation = 2 s, s = sigmoid(spread): mean^2 / 2 + 2 s^2 - log s - (1/2 + log 2) in each
  // dimension, where -log s is the cross-entropy of the logit `spread` with a target of 1.
  struct Term {
    Variable& input;
    double factor;
    bool is_log;
  };
  const Term terms[] = {{mean_, 0.5, false}, {half_deviation_, 2.0, false}, {spread_, 1.0, true}};
  const TensorView rows = tape_.allocate({shape[0]});
  const auto run = [&](const Term& term, const TensorView& row_weights,
                       const TensorView& gradient) {
    if (term.is_log) {
      backend.bernoulli_loss({.logits = term.input.value(),
                              .targets = ones,
                              .weights = row_weights,
                              .row_loss = rows,
                              .d_logits = gradient,
                              .scale = scale * term.factor});
    } else {
      backend.squared_loss({.predictions = term.input.value(),
                            .targets = zeros,
                            .weights = row_weights,
                            .row_loss = rows,
                            .d_predictions = gradient,
                            .scale = scale * term.factor});
    }
  };

  const TensorView divergence = filled(tape_, rows.shape, 0.0);
  for (const Term& term : terms) {
    run(term, weights, {});
    backend.add(rows, divergence, term.factor);
  }
  backend.add(weights, divergence, -static_cast<double>(shape[1]) * (0.5 + std::numbers::ln2));

  const TensorView cost = tape_.allocate(rows.shape);
  backend.copy(divergence, cost);
  backend.add(weights, cost, -free_nats);
  backend.activation({.kind = Activation::relu, .x = cost, .y = cost});
  if (!tape_.recording()) return {divergence, cost};
  // Only rows above the free nats are pulled towards the prior.
  const TensorView pulled = tape_.allocate(rows.shape);
  backend.activation_backward({.kind = Activation::relu, .y = cost, .dy = weights, .dx = pulled});
  for (const Term& term : terms) {
    tape_.contribute(term.input, [&](const TensorView& gradient) { run(term, pulled, gradient); });
  }
  return {divergence, cost};
}

std::vector<float> latent_noise(std::uint64_t seed, std::uint64_t sequence, std::uint32_t step,
                                std::int64_t count) {
  std::vector<float> noise(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; i += 2) {
    const auto uniform = [&](std::int64_t item) {
      return uniform_double(random_bits(seed, {.purpose = RandomPurpose::latent,
                                               .sequence = sequence,
                                               .step = step,
                                               .item = static_cast<std::uint32_t>(item)}));
    };
    const double radius = std::sqrt(-2.0 * std::log(uniform(i)));
    const double angle = 2.0 * std::numbers::pi * uniform(i + 1);
    noise[static_cast<std::size_t>(i)] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) {
      noise[static_cast<std::size_t>(i + 1)] = static_cast<float>(radius * std::sin(angle));
    }
  }
  return noise;
}

}  // namespace cadenza
