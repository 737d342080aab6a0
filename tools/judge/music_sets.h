// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cadenza/judgement.h"
#include "cadenza/metrics.h"

namespace cadenza::tools {

/// Pieces of music and what is measured of each.
struct MusicSet {
  std::string key;    ///< in JSON
  std::string label;  ///< for people
  std::size_t pieces = 0;
  MusicMetrics figures;                 ///< means over the pieces
  std::vector<FeatureValues> features;  ///< of the pieces with notes
  std::vector<Sequence> steps;          ///< note_steps() of the same
};
MusicSet measure_set(const std::string& key, const std::string& label,
                     const std::vector<Score>& scores);

/// How some music compares with real music.
struct SetComparison {
  std::array<FeatureJudgement, kFeatures> features;
  int window = 8;  ///< notes of a run
  /// self_similarity() of as many pieces of either.
  double music_self = 0.0;
  double real_self = 0.0;
  double nearest = 0.0;  ///< nearest_similarity() of the music to the real
};
/// ArgumentError unless both have two pieces with notes.
SetComparison compare_sets(const MusicSet& music, const MusicSet& real);

/// The figures of a set as a JSON object, and of several as a table on stdout.
nlohmann::ordered_json figures_json(const MusicMetrics& figures);
void print_figures(const std::vector<const MusicSet*>& sets);

/// "features", "self_similarity" and "nearest_similarity", added to `out`.
void add_comparison(nlohmann::ordered_json& out, const SetComparison& comparison,
                    const MusicSet& music, const MusicSet& real);
void print_comparison(const SetComparison& comparison, const MusicSet& music, const MusicSet& real);
/// A sheet with a panel for each feature: how its values are distributed or, of transitions, the
/// distances between pieces. PNG.
void draw_comparison(const SetComparison& comparison, const MusicSet& music, const MusicSet& real,
                     const std::filesystem::path& png);

}  // namespace cadenza::tools
