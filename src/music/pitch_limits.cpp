// SPDX-License-Identifier: Apache-2.0
#include "cadenza/pitch_limits.h"

#include "cadenza/error.h"
#include "cadenza/key.h"

namespace cadenza {

std::array<bool, 12> parse_key(std::string_view text) { return scale_of(named_key(text)); }

std::vector<bool> allowed_tokens(const Tokenizer& tokenizer, const PitchLimits& limits) {
  check(tokenizer.step_kind() == StepKind::token, "pitch limits: tokenizer ", tokenizer.name(),
        " makes frames, expected tokens");
  std::vector<bool> allowed(static_cast<std::size_t>(tokenizer.vocabulary_size()), true);
  bool any = false;
  for (std::int32_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const std::optional<int> pitch = tokenizer.started_pitch(id);
    if (!pitch) continue;
    const bool allow = limits.allow(*pitch);
    allowed[static_cast<std::size_t>(id)] = allow;
    any = any || allow;
  }
  check(any, "pitch limits: they leave no pitch from ", limits.lowest, " to ", limits.highest,
        " to tokenizer ", tokenizer.name());
  return allowed;
}

}  // namespace cadenza
