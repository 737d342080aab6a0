// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cadenza/tape.h"

// Normal distributions over codes, as a variational autoencoder uses them (Kingma and Welling
// 2014). Both operations are composed of the backend's losses and row factors, so they are the same
// on every backend.

namespace cadenza {

/// Independent normal distributions with deviation 2 sigmoid(spread): between 0 and 2, and 1, that
/// of the prior, where spread is 0.
class Gaussian {
 public:
  /// mean, spread: real [B, Z].
  Gaussian(Tape& tape, Variable& mean, Variable& spread);

  Variable& mean() const { return mean_; }
  /// mean + deviation * noise, with noise real [B, Z] drawn from N(0, 1).
  Variable& sample(const TensorView& noise) const;

  struct Cost {
    TensorView divergence;  ///< real [B], in nats
    TensorView cost;        ///< real [B], what of it is above the free nats
  };
  /// The Kullback-Leibler divergence of each row from N(0, 1), the sum over Z of
  /// (mean^2 + deviation^2 - 1) / 2 - log(deviation), with free bits for a whole row (Kingma et al.
  /// 2016), both times `weights`, real [B] and never negative. The gradient of sum(cost) * scale
  /// goes to mean and spread.
  Cost divergence(const TensorView& weights, double free_nats, double scale) const;

 private:
  Tape& tape_;
  Variable& mean_;
  Variable& spread_;
  Variable& half_deviation_;
};

/// Numbers of N(0, 1) for dimensions 0 to `count` - 1 of the code of piece `sequence` in training
/// step `step`, or of output `sequence` and step 0: the Box-Muller transform of the words at
/// {latent, sequence, step, item}, on the host in double, so every backend gets the same.
std::vector<float> latent_noise(std::uint64_t seed, std::uint64_t sequence, std::uint32_t step,
                                std::int64_t count);

}  // namespace cadenza
