// SPDX-License-Identifier: Apache-2.0
#include "cadenza/pitch_limits.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "cadenza/error.h"

namespace cadenza {
namespace {

constexpr std::array<int, 7> kMajor = {0, 2, 4, 5, 7, 9, 11};
constexpr std::array<int, 7> kNaturalMinor = {0, 2, 3, 5, 7, 8, 10};

}  // namespace

std::array<bool, 12> parse_key(std::string_view text) {
  constexpr std::string_view kLetters = "c d ef g a b";  // at the place of their pitch class
  std::string rest(text);
  std::transform(rest.begin(), rest.end(), rest.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto letter =
      rest.empty() || rest[0] == ' ' ? std::string_view::npos : kLetters.find(rest[0]);
  bool known = letter != std::string_view::npos;
  int tonic = static_cast<int>(letter);
  rest.erase(0, 1);
  if (known && !rest.empty() && (rest[0] == '#' || rest[0] == 'b')) {
    tonic += rest[0] == '#' ? 1 : 11;
    rest.erase(0, 1);
  }
  std::erase(rest, ' ');
  const bool major = rest.empty() || rest == "major" || rest == "maj";
  known = known && (major || rest == "minor" || rest == "min" || rest == "m");
  check(known,
        "key: expected a letter from A to G, # or b, major or minor, as in \"Bb minor\"; got \"",
        text, "\"");
  std::array<bool, 12> classes{};
  for (const int step : major ? kMajor : kNaturalMinor) {
    classes[static_cast<std::size_t>((tonic + step) % 12)] = true;
  }
  return classes;
}

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
