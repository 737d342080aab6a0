// SPDX-License-Identifier: Apache-2.0
#include "tools/judge/music_sets.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tools/common/progress.h"

namespace cadenza::tools {
namespace {

struct Figure {
  const char* key;
  const char* label;
  double MusicMetrics::*value;
};
constexpr std::array kFigures = {
    Figure{"notes", "notes in a piece", &MusicMetrics::notes},
    Figure{"pitches", "pitches used", &MusicMetrics::pitches},
    Figure{"pitch_range", "pitch range, semitones", &MusicMetrics::pitch_range},
    Figure{"pitch_class_entropy", "pitch-class entropy, bits", &MusicMetrics::pitch_class_entropy},
    Figure{"scale_consistency", "scale consistency", &MusicMetrics::scale_consistency},
    Figure{"polyphony", "polyphony", &MusicMetrics::polyphony},
    Figure{"polyphony_rate", "polyphony rate", &MusicMetrics::polyphony_rate},
    Figure{"groove_consistency", "groove consistency", &MusicMetrics::groove_consistency},
    Figure{"empty_beat_rate", "empty-beat rate", &MusicMetrics::empty_beat_rate},
    Figure{"density", "notes a quarter", &MusicMetrics::density},
};

/// `count` of them, evenly spread.
std::vector<Sequence> thinned(const std::vector<Sequence>& steps, std::size_t count) {
  std::vector<Sequence> some;
  for (std::size_t i = 0; i < count; ++i) some.push_back(steps[i * steps.size() / count]);
  return some;
}

}  // namespace

MusicSet measure_set(const std::string& key, const std::string& label,
                     const std::vector<Score>& scores) {
  MusicSet set = {.key = key, .label = label, .pieces = scores.size()};
  std::vector<MusicMetrics> figures;
  for (const Score& score : scores) {
    figures.push_back(measure(score));
    if (figures.back().notes == 0.0) continue;
    set.features.push_back(measure_features(score));
    set.steps.push_back(note_steps(score));
  }
  set.figures = mean(figures);
  return set;
}

SetComparison compare_sets(const MusicSet& music, const MusicSet& real) {
  constexpr std::size_t kMostPieces = 1000;
  SetComparison result = {.features = judge(music.features, real.features)};
  const std::size_t count = std::min({music.steps.size(), real.steps.size(), kMostPieces});
  result.music_self = self_similarity(thinned(music.steps, count), result.window);
  result.real_self = self_similarity(thinned(real.steps, count), result.window);
  result.nearest = nearest_similarity(music.steps, real.steps, result.window);
  return result;
}

nlohmann::ordered_json figures_json(const MusicMetrics& figures) {
  nlohmann::ordered_json object;
  for (const Figure& figure : kFigures) object[figure.key] = figures.*figure.value;
  return object;
}

void print_figures(const std::vector<const MusicSet*>& sets) {
  constexpr std::size_t kLabel = 32;
  constexpr std::size_t kColumn = 12;
  const auto print_row = [&](std::string row, const auto& cell) {
    std::size_t width = kLabel;
    for (const MusicSet* set : sets) {
      row.resize(std::max(width, row.size() + 1), ' ');
      row += cell(*set);
      width += kColumn;
    }
    std::cout << row << '\n';
  };
  print_row("\nmusic, mean of the pieces ", [](const MusicSet& set) { return " " + set.label; });
  for (const Figure& figure : kFigures) {
    print_row(figure.label,
              [&](const MusicSet& set) { return fixed_text(set.figures.*figure.value, 3); });
  }
}

}  // namespace cadenza::tools
