// SPDX-License-Identifier: Apache-2.0
#include "tools/judge/obedience.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/key.h"
#include "cadenza/metrics.h"
#include "cadenza/tempo.h"
#include "tools/common/progress.h"

namespace cadenza::tools {
namespace {

/// What was asked of a piece, and the piece.
struct Asked {
  const ConditionValue& value;
  const Score& score;
};

Obedience::InKey measure_key(const std::vector<Asked>& pieces) {
  Obedience::InKey in_key;
  for (const auto& [value, score] : pieces) {
    const Key asked = key_of(value.number);
    const Key found = *estimate_key(score);
    if (asked == found) in_key.same += 1.0;
    if (scale_of(asked) == scale_of(found)) in_key.scale += 1.0;
  }
  in_key.same /= static_cast<double>(pieces.size());
  in_key.scale /= static_cast<double>(pieces.size());
  return in_key;
}

/// `measure(score)` may be NaN.
std::vector<Obedience::Bin> measure_bins(const Condition& condition,
                                         const std::vector<Asked>& pieces,
                                         double (*measure)(const Score&)) {
  std::vector<Obedience::Bin> bins;
  for (std::size_t i = 1; i < condition.bounds.size(); ++i) {
    bins.push_back({.low = condition.bounds[i - 1], .high = condition.bounds[i]});
  }
  for (const auto& [value, score] : pieces) {
    const double measured = measure(score);
    if (std::isnan(measured)) continue;
    Obedience::Bin& bin = bins[static_cast<std::size_t>(value.number)];
    bin.measured += measured;
    ++bin.pieces;
  }
  std::erase_if(bins, [](const Obedience::Bin& bin) { return bin.pieces == 0; });
  for (Obedience::Bin& bin : bins) bin.measured /= static_cast<double>(bin.pieces);
  return bins;
}

Obedience::Overlap measure_overlap(const std::vector<Asked>& pieces) {
  const auto overlap = [](const std::vector<double>& found, const ConditionValue& asked) {
    double sum = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      sum += std::min(found[i], static_cast<double>(asked.shares[i]));
    }
    return sum;
  };
  Obedience::Overlap result;
  const auto count = static_cast<double>(pieces.size());
  for (const Asked& piece : pieces) {
    const std::vector<double> found = pitch_class_time(piece.score);
    result.own += overlap(found, piece.value) / count;
    for (const Asked& other : pieces) {
      result.others += overlap(found, other.value) / (count * count);
    }
  }
  return result;
}

nlohmann::ordered_json bins_json(const std::vector<Obedience::Bin>& bins) {
  auto rows = nlohmann::ordered_json::array();
  for (const Obedience::Bin& bin : bins) {
    rows.push_back(
        {{"asked", {bin.low, bin.high}}, {"measured", bin.measured}, {"pieces", bin.pieces}});
  }
  return rows;
}

void print_bins(const std::vector<Obedience::Bin>& bins, const char* what, int digits) {
  for (const Obedience::Bin& bin : bins) {
    std::cout << what << ", " << fixed_text(bin.low, digits) << " to "
              << fixed_text(bin.high, digits) << " asked: " << fixed_text(bin.measured, digits)
              << " measured, mean of " << bin.pieces
              << (bin.pieces == 1 ? " piece\n" : " pieces\n");
  }
}

}  // namespace

Obedience measure_obedience(const std::vector<Condition>& conditions,
                            const std::vector<std::vector<ConditionValue>>& asked,
                            const std::vector<Score>& scores) {
  std::vector<std::size_t> with_notes;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (estimate_key(scores[i])) with_notes.push_back(i);
  }
  Obedience obedience = {.pieces = std::ssize(with_notes)};
  if (with_notes.empty()) return obedience;
  for (std::size_t c = 0; c < conditions.size(); ++c) {
    std::vector<Asked> pieces;
    for (const std::size_t i : with_notes) pieces.push_back({asked[i][c], scores[i]});
    switch (conditions[c].kind) {
      case ConditionKind::label:
        break;
      case ConditionKind::key:
        obedience.key = measure_key(pieces);
        break;
      case ConditionKind::density:
        obedience.density = measure_bins(conditions[c], pieces, note_density);
        break;
      case ConditionKind::tempo:
        obedience.tempo = measure_bins(conditions[c], pieces, estimate_tempo);
        break;
      case ConditionKind::histogram:
        obedience.histogram = measure_overlap(pieces);
        break;
    }
  }
  return obedience;
}

void add_obedience(nlohmann::ordered_json& out, const Obedience& obedience) {
  if (obedience.empty()) return;
  nlohmann::ordered_json& object = out["obedience"];
  object["pieces"] = obedience.pieces;
  if (obedience.key) {
    object["in_key"] = obedience.key->same;
    object["in_scale"] = obedience.key->scale;
  }
  if (!obedience.density.empty()) object["density"] = bins_json(obedience.density);
  if (!obedience.tempo.empty()) object["tempo"] = bins_json(obedience.tempo);
  if (obedience.histogram) {
    object["pitch_classes"] = {{"overlap", obedience.histogram->own},
                               {"overlap_with_all_asked", obedience.histogram->others}};
  }
}

void print_obedience(const Obedience& obedience) {
  if (obedience.empty()) return;
  const auto percent = [](double share) { return fixed_text(100.0 * share, 1) + " %\n"; };
  std::cout << "\nwhat was asked for, in " << obedience.pieces << " pieces with notes\n";
  if (obedience.key) {
    std::cout << "in the key               : " << percent(obedience.key->same)
              << "in a key of the same scale: " << percent(obedience.key->scale);
  }
  print_bins(obedience.density, "notes a quarter", 2);
  print_bins(obedience.tempo, "beats a minute", 1);
  if (obedience.histogram) {
    std::cout << "pitch classes in common with the histogram asked for: "
              << percent(obedience.histogram->own)
              << "with all that were asked for, on average            : "
              << percent(obedience.histogram->others);
  }
}

}  // namespace cadenza::tools
