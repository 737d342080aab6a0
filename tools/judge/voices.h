// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/model.h"
#include "cadenza/tokenizer.h"
#include "tools/judge/evaluate.h"

namespace cadenza::tools {

/// What a model says of one voice of a grid, in nats a token.
struct VoiceLikelihood {
  std::string voice;
  double nll = 0.0;
};
/// Of every voice; empty unless `tokenizer` has several.
std::vector<VoiceLikelihood> measure_voices(Model& model, const Tokenizer& tokenizer,
                                            const Dataset& data, const EvaluateOptions& options);
/// "voices", added to `out`, unless there are none.
void add_voices(nlohmann::ordered_json& out, const std::vector<VoiceLikelihood>& voices);
void print_voices(const std::vector<VoiceLikelihood>& voices);

}  // namespace cadenza::tools
