// SPDX-License-Identifier: Apache-2.0
#include "tools/judge/obedience.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/key.h"
#include "cadenza/metrics.h"
#include "tools/common/progress.h"

namespace cadenza::tools {
namespace {

std::vector<Obedience::Bin> bins_of(const Condition& condition) {
  std::vector<Obedience::Bin> bins;
  for (std::size_t i = 1; i < condition.bounds.size(); ++i) {
    bins.push_back({.low = condition.bounds[i - 1], .high = condition.bounds[i]});
  }
  return bins;
}

void add_key(Obedience& obedience, const Key& asked, const Key& found) {
  obedience.has_key = true;
  if (asked == found) obedience.in_key += 1.0;
  if (scale_of(asked) == scale_of(found)) obedience.in_scale += 1.0;
}

}  // namespace

Obedience measure_obedience(const std::vector<Condition>& conditions,
                            const std::vector<std::vector<std::int32_t>>& asked,
                            const std::vector<Score>& scores) {
  Obedience obedience;
  for (const Condition& condition : conditions) {
    if (condition.kind == ConditionKind::density) obedience.density = bins_of(condition);
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::optional<Key> key = estimate_key(scores[i]);
    if (!key) continue;
    ++obedience.pieces;
    for (std::size_t c = 0; c < conditions.size(); ++c) {
      const std::int32_t value = asked[i][c];
      if (conditions[c].kind == ConditionKind::key) add_key(obedience, key_of(value), *key);
      if (conditions[c].kind != ConditionKind::density) continue;
      Obedience::Bin& bin = obedience.density[static_cast<std::size_t>(value)];
      bin.measured += note_density(scores[i]);
      ++bin.pieces;
    }
  }
  obedience.in_key /= static_cast<double>(obedience.pieces);
  obedience.in_scale /= static_cast<double>(obedience.pieces);
  std::erase_if(obedience.density, [](const Obedience::Bin& bin) { return bin.pieces == 0; });
  for (Obedience::Bin& bin : obedience.density) bin.measured /= static_cast<double>(bin.pieces);
  return obedience;
}

void add_obedience(nlohmann::ordered_json& out, const Obedience& obedience) {
  if (!obedience.has_key && obedience.density.empty()) return;
  nlohmann::ordered_json& object = out["obedience"];
  object["pieces"] = obedience.pieces;
  if (obedience.has_key) {
    object["in_key"] = obedience.in_key;
    object["in_scale"] = obedience.in_scale;
  }
  for (const Obedience::Bin& bin : obedience.density) {
    object["density"].push_back(
        {{"asked", {bin.low, bin.high}}, {"measured", bin.measured}, {"pieces", bin.pieces}});
  }
}

void print_obedience(const Obedience& obedience) {
  if (!obedience.has_key && obedience.density.empty()) return;
  std::cout << "\nwhat was asked for, in " << obedience.pieces << " pieces with notes\n";
  if (obedience.has_key) {
    std::cout << "in the key               : " << fixed_text(100.0 * obedience.in_key, 1) << " %\n"
              << "in a key of the same scale: " << fixed_text(100.0 * obedience.in_scale, 1)
              << " %\n";
  }
  for (const Obedience::Bin& bin : obedience.density) {
    std::cout << "notes a quarter, " << fixed_text(bin.low, 2) << " to " << fixed_text(bin.high, 2)
              << " asked: " << fixed_text(bin.measured, 2) << " measured, mean of " << bin.pieces
              << (bin.pieces == 1 ? " piece\n" : " pieces\n");
  }
}

}  // namespace cadenza::tools
