// SPDX-License-Identifier: Apache-2.0
#include "tools/judge/voices.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/evaluation.h"
#include "tools/common/progress.h"

namespace cadenza::tools {

std::vector<VoiceLikelihood> measure_voices(Model& model, const Tokenizer& tokenizer,
                                            const Dataset& data, const EvaluateOptions& options) {
  std::vector<VoiceLikelihood> voices;
  const std::optional<TokenGrid> grid = tokenizer.grid();
  if (!grid || grid->voices.size() < 2) return voices;
  const std::vector<double> found = evaluate_voices(
      model, data, options.split, static_cast<int>(grid->voices.size()), options.batch_size);
  for (std::size_t v = 0; v < found.size(); ++v) {
    voices.push_back({std::string(1, grid->voices[v]), found[v]});
  }
  return voices;
}

void add_voices(nlohmann::ordered_json& out, const std::vector<VoiceLikelihood>& voices) {
  for (const VoiceLikelihood& voice : voices) out["voices"][voice.voice] = voice.nll;
}

void print_voices(const std::vector<VoiceLikelihood>& voices) {
  for (const VoiceLikelihood& voice : voices) {
    std::cout << "  voice " << voice.voice << "    : " << fixed_text(voice.nll, 4) << '\n';
  }
}

}  // namespace cadenza::tools
