// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "tools/common/compute.h"
#include "tools/common/model_options.h"

namespace cadenza::tools {

struct EvaluateOptions {
  ModelOptions model;
  ComputeOptions compute;
  std::string data;
  std::string split_name = "test";
  Split split = Split::test;
  int batch_size = 64;
  std::int64_t num_outputs = 0;
  std::int64_t num_steps = 0;
  int beam = 1;
  std::string keep;
  std::uint64_t seed = 0;
  std::string png;
  bool json = false;
  std::vector<std::string> music;  ///< MIDI files and folders, without a model
  std::vector<std::string> against;
};

/// The pieces to measure; ArgumentError if there are none.
const std::vector<Piece>& pieces_of(const Dataset& data, const EvaluateOptions& options);
/// `cadenza evaluate` for two sets of MIDI files. Files that are none, or hold no note, are left
/// out and named on stderr. FileError if that leaves fewer than two of either.
void evaluate_sets(const EvaluateOptions& options);

/// `cadenza evaluate` for a language model.
void evaluate_language_model(const EvaluateOptions& options);
/// The same for a gan: of its generator, and how often its discriminator tells what that generates
/// from real music.
void evaluate_gan(const EvaluateOptions& options);
/// The same for a gan that makes notes as numbers, which has no likelihood.
void evaluate_event_gan(const EvaluateOptions& options);
/// `cadenza evaluate` for a seq2seq model: likelihood of the targets, and how close to them those
/// come that the model finds itself.
void evaluate_seq2seq(const EvaluateOptions& options);
/// `cadenza evaluate` for an autoencoder: how much of the pieces their codes bring back.
void evaluate_vae(const EvaluateOptions& options);
/// `cadenza evaluate` for a classifier: how often it is right, and what it takes for what.
void evaluate_classifier(const EvaluateOptions& options);
/// `cadenza evaluate` for an infiller: likelihood of each token given all others, and of some
/// voices given the kept ones.
void evaluate_infiller(const EvaluateOptions& options);

}  // namespace cadenza::tools
