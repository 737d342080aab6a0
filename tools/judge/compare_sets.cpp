// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/render.h"
#include "tools/common/progress.h"
#include "tools/judge/music_sets.h"

namespace cadenza::tools {
namespace {

constexpr std::size_t kMusic = 0;
constexpr std::size_t kReal = 1;
constexpr std::size_t kBetween = 2;

std::string left_aligned(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

/// The mean of a feature that is one number.
std::string mean_text(const std::vector<double>& mean) {
  return mean.size() == 1 ? fixed_text(mean.front(), 2) : "";
}

nlohmann::ordered_json mean_json(const std::vector<double>& mean) {
  return mean.size() == 1 ? nlohmann::ordered_json(mean.front()) : nlohmann::ordered_json(mean);
}

/// As many points as a picture can show.
Curve curve_of(const std::string& label, const Densities& densities, std::size_t which) {
  constexpr std::size_t kEvery = 8;
  Curve curve{label, {}, {}};
  for (std::size_t i = 0; i < densities.x.size(); i += kEvery) {
    curve.x.push_back(densities.x[i]);
    curve.y.push_back(densities.y[which][i]);
  }
  return curve;
}

std::vector<std::string> names_of(std::span<const std::string_view> names) {
  return {names.begin(), names.end()};
}

Panel panel_of(const FeatureInfo& info, const FeatureJudgement& judged, const MusicSet& music,
               const MusicSet& real) {
  Panel panel;
  panel.title = message(info.label, "  OA ", fixed_text(judged.overlap, 2), "  KL ",
                        fixed_text(judged.divergence, 2));
  if (info.size == pitch_class_names().size()) {
    const bool pitches = info.feature == Feature::pitch_class_histogram;
    panel.x_label = pitches ? "pitch class" : "note length";
    panel.y_label = "share";
    panel.bars = names_of(pitches ? pitch_class_names() : note_length_names());
    panel.curves = {{music.label, {}, judged.music_mean}, {real.label, {}, judged.real_mean}};
    return panel;
  }
  panel.y_label = "density";
  if (info.size == 1) {
    panel.x_label = info.unit;
    panel.curves = {curve_of(music.label, judged.values, kMusic),
                    curve_of(real.label, judged.values, kReal)};
    return panel;
  }
  panel.x_label = "distance of two pieces";
  panel.curves = {curve_of(music.label, judged.distances, kMusic),
                  curve_of(real.label, judged.distances, kReal),
                  curve_of("one of each", judged.distances, kBetween)};
  return panel;
}

}  // namespace

void add_comparison(nlohmann::ordered_json& out, const SetComparison& comparison,
                    const MusicSet& music, const MusicSet& real) {
  for (const FeatureInfo& info : features()) {
    const FeatureJudgement& judged = comparison.features[static_cast<std::size_t>(info.feature)];
    out["features"][std::string(info.key)] = {{music.key, mean_json(judged.music_mean)},
                                              {real.key, mean_json(judged.real_mean)},
                                              {"overlap", judged.overlap},
                                              {"divergence", judged.divergence},
                                              {"own_overlap", judged.music_overlap},
                                              {"own_divergence", judged.music_divergence}};
  }
  out["self_similarity"] = {{"window", comparison.window},
                            {music.key, comparison.music_self},
                            {real.key, comparison.real_self}};
  out["nearest_similarity"] = comparison.nearest;
}

void print_comparison(const SetComparison& comparison, const MusicSet& music,
                      const MusicSet& real) {
  constexpr std::size_t kLabel = 26;
  constexpr std::size_t kColumn = 11;
  std::cout << '\n'
            << left_aligned("nine features, means", kLabel) << left_aligned(music.label, kColumn)
            << left_aligned(real.label, kColumn) << "OA     KL       own OA  own KL\n";
  for (const FeatureInfo& info : features()) {
    const FeatureJudgement& judged = comparison.features[static_cast<std::size_t>(info.feature)];
    std::cout << left_aligned(std::string(info.label), kLabel)
              << left_aligned(mean_text(judged.music_mean), kColumn)
              << left_aligned(mean_text(judged.real_mean), kColumn)
              << left_aligned(fixed_text(judged.overlap, 3), 7)
              << left_aligned(fixed_text(judged.divergence, 3), 9)
              << left_aligned(fixed_text(judged.music_overlap, 3), 8)
              << fixed_text(judged.music_divergence, 3) << '\n';
  }
  std::cout << "OA, KL: overlapped area and divergence of the distances between the pieces of "
            << real.label << "\nfrom those to " << music.label
            << " (1 and 0: alike); own: of the distances between the pieces of " << music.label
            << ".\nruns of " << comparison.window
            << " notes, in any key, that a piece shares with the piece most like it: "
            << fixed_text(100.0 * comparison.music_self, 1) << " % within " << music.label << ", "
            << fixed_text(100.0 * comparison.real_self, 1) << " % within " << real.label
            << " (as many pieces), " << fixed_text(100.0 * comparison.nearest, 1) << " % of "
            << music.label << " in " << real.label << "\n";
}

void draw_comparison(const SetComparison& comparison, const MusicSet& music, const MusicSet& real,
                     const std::filesystem::path& png) {
  constexpr int kColumns = 3;
  std::vector<Panel> panels;
  for (const FeatureInfo& info : features()) {
    panels.push_back(
        panel_of(info, comparison.features[static_cast<std::size_t>(info.feature)], music, real));
  }
  render_panels(
      message(music.pieces, " pieces of ", music.label, ", ", real.pieces, " of ", real.label),
      panels, kColumns, png);
}

}  // namespace cadenza::tools
