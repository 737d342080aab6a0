// SPDX-License-Identifier: Apache-2.0
#include "cadenza/condition.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cadenza/error.h"
#include "cadenza/key.h"
#include "cadenza/metrics.h"
#include "cadenza/tempo.h"

namespace cadenza {
namespace {

constexpr std::size_t kMostBins = 8;
constexpr int kPitchClasses = 12;

/// What has bins, of one piece; NaN where it has none.
double measure(ConditionKind kind, const Score& score) {
  return kind == ConditionKind::density ? note_density(score) : estimate_tempo(score);
}

std::vector<double> bin_bounds(ConditionKind kind, const Dataset& data) {
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  check(kind != ConditionKind::tempo || tokenizer->keeps_time(), "condition tempo: steps of '",
        tokenizer->name(), "' count beats, whatever their tempo; expected tokenizer performance");
  std::vector<double> measured;
  for (const Piece& piece : data[Split::train]) {
    const double value = measure(kind, tokenizer->decode(piece.sequence));
    if (!std::isnan(value)) measured.push_back(value);
  }
  std::sort(measured.begin(), measured.end());
  std::vector<double> middles;  // the median of each bin
  for (std::size_t i = 0; i < kMostBins && !measured.empty(); ++i) {
    middles.push_back(measured[(2 * i + 1) * measured.size() / (2 * kMostBins)]);
  }
  middles.erase(std::unique(middles.begin(), middles.end()), middles.end());
  check(middles.size() >= 2, "condition ", name_of(kind),
        ": the training pieces do not differ in it");
  std::vector<double> bounds = {measured.front()};
  for (std::size_t i = 1; i < middles.size(); ++i) {
    bounds.push_back((middles[i - 1] + middles[i]) / 2.0);
  }
  bounds.push_back(measured.back());
  return bounds;
}

ConditionValue value_of(const Condition& condition, const Piece& piece, const Score& score) {
  switch (condition.kind) {
    case ConditionKind::label:
      return piece.label;
    case ConditionKind::key: {
      const std::optional<Key> key = estimate_key(score);
      return key ? key->number() : -1;
    }
    case ConditionKind::density:
    case ConditionKind::tempo: {
      const double measured = measure(condition.kind, score);
      return std::isnan(measured) ? -1 : bin_of(condition, measured);
    }
    case ConditionKind::histogram: {
      const std::vector<double> shares = pitch_class_time(score);
      return ConditionValue(std::vector<float>(shares.begin(), shares.end()));
    }
  }
  return {};
}

}  // namespace

std::string Condition::parameter() const {
  return message(name_of(kind), kind == ConditionKind::histogram ? ".weight" : "_embedding.weight");
}

Shape Condition::parameter_shape() const {
  return kind == ConditionKind::histogram ? Shape{embedding, values} : Shape{values, embedding};
}

Condition make_condition(ConditionKind kind, const Dataset& data) {
  Condition condition = {.kind = kind};
  if (kind == ConditionKind::label) {
    check(!data.labels.empty(), "condition label: the data have no labels");
    condition.values = static_cast<int>(data.labels.size());
  } else if (kind == ConditionKind::key) {
    condition.values = kKeyCount;
  } else if (kind == ConditionKind::histogram) {
    condition.values = kPitchClasses;
  } else {
    condition.bounds = bin_bounds(kind, data);
    condition.values = static_cast<int>(condition.bounds.size()) - 1;
  }
  return condition;
}

void tell_conditions(Dataset& data, std::span<const Condition> conditions) {
  if (conditions.empty()) return;
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  for (auto& pieces : data.splits) {
    for (Piece& piece : pieces) {
      const Score score = tokenizer->decode(piece.sequence);
      piece.conditions.clear();
      for (const Condition& condition : conditions) {
        piece.conditions.push_back(value_of(condition, piece, score));
      }
    }
  }
}

std::int32_t bin_of(const Condition& condition, double measured) {
  const auto first = condition.bounds.begin() + 1;
  const auto last = condition.bounds.end() - 1;
  return static_cast<std::int32_t>(std::upper_bound(first, last, measured) - first);
}

}  // namespace cadenza
