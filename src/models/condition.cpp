// SPDX-License-Identifier: Apache-2.0
#include "cadenza/condition.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cadenza/error.h"
#include "cadenza/key.h"
#include "cadenza/metrics.h"

namespace cadenza {
namespace {

constexpr std::size_t kDensityBins = 8;  // at most

std::vector<double> density_bounds(const Dataset& data) {
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  std::vector<double> densities;
  for (const Piece& piece : data[Split::train]) {
    const double density = note_density(tokenizer->decode(piece.sequence));
    if (!std::isnan(density)) densities.push_back(density);
  }
  std::sort(densities.begin(), densities.end());
  std::vector<double> middles;  // the median of each bin
  for (std::size_t i = 0; i < kDensityBins && !densities.empty(); ++i) {
    middles.push_back(densities[(2 * i + 1) * densities.size() / (2 * kDensityBins)]);
  }
  middles.erase(std::unique(middles.begin(), middles.end()), middles.end());
  check(middles.size() >= 2, "condition density: the training pieces do not differ in it");
  std::vector<double> bounds = {densities.front()};
  for (std::size_t i = 1; i < middles.size(); ++i) {
    bounds.push_back((middles[i - 1] + middles[i]) / 2.0);
  }
  bounds.push_back(densities.back());
  return bounds;
}

std::int32_t value_of(const Condition& condition, const Piece& piece, const Score& score) {
  switch (condition.kind) {
    case ConditionKind::label:
      return piece.label;
    case ConditionKind::key: {
      const std::optional<Key> key = estimate_key(score);
      return key ? key->number() : -1;
    }
    case ConditionKind::density: {
      const double density = note_density(score);
      return std::isnan(density) ? -1 : density_bin(condition, density);
    }
  }
  return -1;
}

}  // namespace

std::string Condition::parameter() const { return message(name_of(kind), "_embedding.weight"); }

Condition make_condition(ConditionKind kind, const Dataset& data) {
  Condition condition = {.kind = kind};
  if (kind == ConditionKind::label) {
    check(!data.labels.empty(), "condition label: the data have no labels");
    condition.values = static_cast<int>(data.labels.size());
  } else if (kind == ConditionKind::key) {
    condition.values = kKeyCount;
  } else {
    condition.bounds = density_bounds(data);
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

std::int32_t density_bin(const Condition& condition, double notes_per_quarter) {
  const auto first = condition.bounds.begin() + 1;
  const auto last = condition.bounds.end() - 1;
  return static_cast<std::int32_t>(std::upper_bound(first, last, notes_per_quarter) - first);
}

}  // namespace cadenza
