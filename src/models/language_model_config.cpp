// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "cadenza/error.h"
#include "cadenza/key.h"
#include "cadenza/language_model.h"
#include "models/check_range.h"

namespace cadenza {
namespace {

constexpr int kKeys = 88;
constexpr double kMaxUnits = 1 << 16;

void check_condition(const Condition& condition) {
  check_range("condition values", condition.values, 1, kMaxUnits);
  check_range("condition embedding", condition.embedding, 1, kMaxUnits);
  if (condition.kind == ConditionKind::key) {
    check(condition.values == kKeyCount, "model: condition key has ", condition.values,
          " values, expected ", kKeyCount);
  }
  constexpr int kPitchClasses = 12;
  if (condition.kind == ConditionKind::histogram) {
    check(condition.values == kPitchClasses, "model: condition histogram has ", condition.values,
          " values, expected ", kPitchClasses);
  }
  if (!condition.has_bins()) return;
  const std::vector<double>& bounds = condition.bounds;
  check(bounds.size() == static_cast<std::size_t>(condition.values) + 1 &&
            std::all_of(bounds.begin(), bounds.end(), [](double x) { return std::isfinite(x); }) &&
            std::is_sorted(bounds.begin(), bounds.end()),
        "model: condition ", name_of(condition.kind), " has ", bounds.size(), " bounds, expected ",
        condition.values + 1, " finite ones that ascend");
}

void check_look_back(const LanguageModelConfig& config) {
  constexpr double kMost = 1 << 16;
  constexpr double kMostBits = 32;
  check_range("attention_length", config.attention_length, 0, kMost);
  check_range("position_bits", config.position_bits, 0, kMostBits);
  for (std::size_t i = 0; i < config.lookback.size(); ++i) {
    check_range("lookback", config.lookback[i], 1, kMost);
    check(i == 0 || config.lookback[i - 1] < config.lookback[i], "model: lookback ",
          config.lookback[i], " follows ", config.lookback[i == 0 ? 0 : i - 1],
          ", expected distances that ascend");
  }
  check(config.lookback.empty() || config.embedding > 0,
        "model: lookback is on embedded tokens, the embedding is 0");
  check(config.position_bits == 0 || config.step_kind() == StepKind::frame || config.embedding > 0,
        "model: with position_bits tokens need an embedding, it is 0");
}

}  // namespace

void LanguageModelConfig::validate() const {
  check_range("width", width, 1, (1 << 26) - 1);
  check_range("embedding", embedding, 0, kMaxUnits);
  check_range("layers", layers, 1, 64);
  check_range("hidden", hidden, 1, kMaxUnits);
  check_range("nade_hidden", nade_hidden, 1, kMaxUnits);
  check_share("dropout", dropout);
  check_share("input_dropout", input_dropout);
  check(std::isfinite(forget_bias), "model: forget_bias is ", forget_bias, ", expected finite");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    check_condition(conditions[i]);
    for (std::size_t j = 0; j < i; ++j) {
      check(conditions[j].kind != conditions[i].kind, "model: condition ",
            name_of(conditions[i].kind), " is there twice");
    }
  }
  check(conditions.empty() || step_kind() == StepKind::frame || embedding > 0,
        "model: with conditions tokens need an embedding, it is 0");
  check_look_back(*this);
  check(dense.size() <= 16, "model: ", dense.size(), " dense layers, expected at most 16");
  for (const DenseConfig& layer : dense) check_range("dense units", layer.units, 1, kMaxUnits);
  if (step_kind() == StepKind::frame) {
    check(width == kKeys, "model: a frame has ", kKeys, " keys, width is ", width);
    check(embedding == 0, "model: frames are read as they are, embedding is ", embedding,
          ", expected 0");
  }
}

int LanguageModelConfig::condition_width() const {
  int columns = 0;
  for (const Condition& condition : conditions) columns += condition.embedding;
  return columns;
}

}  // namespace cadenza
