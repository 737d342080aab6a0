// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "arguments.h"
#include "cadenza/generator.h"
#include "cadenza/pitch_limits.h"
#include "compute.h"
#include "model_options.h"
#include "products.h"

namespace cadenza::tools {

struct GenerateOptions {
  ModelOptions model;
  ComputeOptions compute;
  GenerationRequest request;
  SamplingParams sampling;
  std::string label;
  std::string key;
  PitchLimits limits;
  std::string primer_midi;
  std::string primer;
  int primer_steps = 0;
  double qpm = 120.0;
  std::string output;
  PieceFormats formats;
  bool json = false;
};

/// What drawing the steps took.
struct GenerationWork {
  std::int64_t tokens = 0;
  double seconds = 0.0;
};
void report(const Products& products, const GenerationWork& work, const GenerateOptions& options,
            const std::string& kernel, std::string_view backend);

/// `cadenza generate` for a variational autoencoder: pieces of codes drawn from the prior.
int generate_from_codes(const GenerateOptions& options);

}  // namespace cadenza::tools
