// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cadenza/generator.h"
#include "cadenza/note_event.h"
#include "cadenza/pitch_limits.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/common/model_options.h"
#include "tools/generate/condition_options.h"
#include "tools/generate/products.h"

namespace cadenza::tools {

struct GenerateOptions {
  ModelOptions model;
  ComputeOptions compute;
  GenerationRequest request;
  SamplingParams sampling;
  ConditionOptions conditions;
  std::string key;
  PitchLimits limits;
  std::string primer_midi;
  std::string primer;
  int primer_steps = 0;
  EventScoring scoring;  ///< of notes as numbers; music of tokens takes its qpm alone
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

/// The numbers of --primer as they stand, which is what they mean to a model of bare numbers.
/// UsageError if it holds something else.
Sequence typed_numbers(std::string_view text);

/// UsageError for options that ask a model of tokens for what notes as numbers alone can have.
void refuse_scoring(const Arguments& parser);
/// `cadenza generate` for a language model.
void generate_step_by_step(const Arguments& parser, GenerateOptions& options);
/// `cadenza generate` for a variational autoencoder: pieces of codes drawn from the prior.
/// UsageError for an option of `parser` that has no meaning there.
void generate_from_codes(const Arguments& parser, GenerateOptions& options);
/// `cadenza generate` for a model that makes notes as numbers, --num-steps of them. UsageError as
/// above.
void generate_events(const Arguments& parser, GenerateOptions& options);

}  // namespace cadenza::tools
