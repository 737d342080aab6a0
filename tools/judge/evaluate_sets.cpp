// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/judge/evaluate.h"
#include "tools/judge/music_sets.h"
#include "tools/prepare/corpus.h"

namespace cadenza::tools {
namespace {

using Notes = std::vector<Corpus::Note>;

MusicSet read_set(const std::string& key, const std::vector<std::string>& inputs, Notes& rejected) {
  const std::vector<std::filesystem::path> files = collect_files(inputs);
  const std::size_t rejected_before = rejected.size();
  std::vector<Score> scores;
  Progress progress("reading");
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string file = files[i].string();
    try {
      Score score = read_midi_file(files[i]).score;
      if (measure(score).notes == 0.0) throw ArgumentError("holds no note");
      scores.push_back(std::move(score));
    } catch (const Error& error) {
      std::string reason = error.what();
      if (reason.starts_with(file + ": ")) reason.erase(0, file.size() + 2);
      rejected.push_back({file, reason});
    }
    progress.update(static_cast<double>(i + 1) / static_cast<double>(files.size()), file);
  }
  progress.finish();
  for (std::size_t i = rejected_before; i < rejected.size(); ++i) {
    std::cerr << "rejected : " << rejected[i].file << ": " << rejected[i].text << '\n';
  }
  if (scores.size() < 2) {
    throw FileError(message("--", key, ": ", scores.size(), " of ", files.size(),
                            files.size() == 1 ? " file is" : " files are",
                            " music, expected two or more to compare"));
  }
  return measure_set(key, key == "music" ? "music" : "real", scores);
}

}  // namespace

void evaluate_sets(const EvaluateOptions& options) {
  Notes rejected;
  const MusicSet music = read_set("music", options.music, rejected);
  const MusicSet real = read_set("against", options.against, rejected);
  const SetComparison comparison = compare_sets(music, real);
  if (!options.png.empty()) draw_comparison(comparison, music, real, options.png);
  if (!options.json) {
    std::cout << "music    : " << music.pieces << " pieces\nreal     : " << real.pieces
              << " pieces\n";
    print_figures({&music, &real});
    print_comparison(comparison, music, real);
    if (!options.png.empty()) std::cout << "wrote    : " << options.png << '\n';
    return;
  }
  nlohmann::ordered_json out = {
      {"pieces", {{music.key, music.pieces}, {real.key, real.pieces}}},
      {"rejected", nlohmann::ordered_json::array()},
      {"music",
       {{music.key, figures_json(music.figures)}, {real.key, figures_json(real.figures)}}}};
  for (const Corpus::Note& note : rejected) {
    out["rejected"].push_back({{"file", note.file}, {"reason", note.text}});
  }
  add_comparison(out, comparison, music, real);
  if (!options.png.empty()) out["png"] = options.png;
  print_json(out);
}

}  // namespace cadenza::tools
