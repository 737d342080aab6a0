// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cadenza/classifier.h"
#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/judge/confusion.h"
#include "tools/prepare/corpus.h"
#include "tools/prepare/labels.h"

namespace cadenza::tools {
namespace {

struct ClassifyOptions {
  std::string model;
  std::vector<std::string> inputs;
  std::string labels;
  std::string track;
  int bars = -1;
  int batch_size = 64;
  bool json = false;
  ComputeOptions compute;
};

/// A file with the probability of every label.
struct Classified {
  std::string file;
  std::vector<double> shares;
};

/// The sequences of every file that holds music; what does not is rejected.
struct Music {
  std::vector<std::string> files;
  std::vector<std::vector<Sequence>> sequences;
  std::vector<Corpus::Note> rejected;
};

Music read_music(const std::vector<std::string>& inputs, const Encoding& encoding) {
  Music music;
  for (const std::filesystem::path& path : collect_files(inputs)) {
    const std::string file = path.string();
    try {
      const Score score = only_track(read_midi_file(path).score, encoding.track);
      music.sequences.push_back(encoding.encode(score));
      music.files.push_back(file);
    } catch (const Error& error) {
      std::string reason = error.what();
      if (reason.starts_with(file + ": ")) reason.erase(0, file.size() + 2);
      std::cerr << "rejected : " << file << ": " << reason << '\n';
      music.rejected.push_back({file, reason});
    }
  }
  if (music.files.empty()) {
    throw FileError(message("none of the ", music.rejected.size(), " files is usable; the first, ",
                            music.rejected.front().file, ", ", music.rejected.front().text));
  }
  return music;
}

/// A file that became several sequences gets the mean of theirs.
std::vector<Classified> classify_files(const Music& music, Classifier& model, int batch_size) {
  std::vector<Sequence> sequences;
  for (const auto& of_file : music.sequences) {
    sequences.insert(sequences.end(), of_file.begin(), of_file.end());
  }
  const auto shares = classify(model, sequences, batch_size);
  std::vector<Classified> files;
  std::size_t next = 0;
  for (std::size_t f = 0; f < music.files.size(); ++f) {
    const auto count = static_cast<double>(music.sequences[f].size());
    Classified file = {music.files[f], std::vector<double>(shares.front().size())};
    for (std::size_t s = 0; s < music.sequences[f].size(); ++s, ++next) {
      for (std::size_t i = 0; i < file.shares.size(); ++i) {
        file.shares[i] += shares[next][i] / count;
      }
    }
    files.push_back(std::move(file));
  }
  return files;
}

/// What was found against the labels that the files have.
Confusion compare(const std::vector<Classified>& files, const std::vector<std::string>& labels,
                  const Labeller& labeller) {
  Confusion confusion(labels);
  for (const Classified& file : files) {
    const std::string label = labeller.label_of(file.file);
    const auto place = std::find(labels.begin(), labels.end(), label) - labels.begin();
    check(static_cast<std::size_t>(place) < labels.size(), file.file, ": is '", label,
          "', which the model was not taught");
    confusion.add(static_cast<std::size_t>(place), file.shares);
  }
  return confusion;
}

nlohmann::ordered_json counts_json(const std::vector<Classified>& files,
                                   const std::vector<std::string>& labels) {
  nlohmann::ordered_json counts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    counts[labels[i]] = std::count_if(files.begin(), files.end(), [&](const Classified& file) {
      return likeliest(file.shares) == i;
    });
  }
  return counts;
}

void report_json(const std::vector<Classified>& files, const Music& music,
                 const std::vector<std::string>& labels,
                 const std::optional<Confusion>& confusion) {
  nlohmann::ordered_json out = {{"files", nlohmann::ordered_json::array()},
                                {"rejected", nlohmann::ordered_json::array()},
                                {"counts", counts_json(files, labels)}};
  for (const Classified& file : files) {
    nlohmann::ordered_json shares;
    for (std::size_t i = 0; i < labels.size(); ++i) shares[labels[i]] = file.shares[i];
    out["files"].push_back(
        {{"file", file.file}, {"label", labels[likeliest(file.shares)]}, {"shares", shares}});
  }
  for (const Corpus::Note& note : music.rejected) {
    out["rejected"].push_back({{"file", note.file}, {"reason", note.text}});
  }
  if (confusion) confusion->add_to(out);
  print_json(out);
}

void report_text(const std::vector<Classified>& files, const std::vector<std::string>& labels,
                 const std::optional<Confusion>& confusion) {
  for (const Classified& file : files) {
    const std::size_t label = likeliest(file.shares);
    std::cout << file.file << ": " << labels[label] << " ("
              << fixed_text(100.0 * file.shares[label], 0) << " %)\n";
  }
  std::cout << "in all   :";
  const nlohmann::ordered_json counts = counts_json(files, labels);
  for (const auto& [label, count] : counts.items()) {
    std::cout << ' ' << label << ' ' << count;
  }
  std::cout << '\n';
  if (confusion) confusion->print();
}

}  // namespace

int run_classify(std::span<char*> arguments) {
  ClassifyOptions options;
  Arguments parser("classify", "Tell the style of MIDI files with a classifier.");
  parser.add("--model", options.model, "the model file, of train --model classifier");
  parser.add("--input", options.inputs, "MIDI files and folders");
  parser.add("--labels", options.labels,
             "compare with the styles that the files have, as in 'cadenza prepare'");
  parser.add(
      "--bars", options.bars,
      "read parts of so many bars and take the mean of what they say; 0: whole files; -1: as "
      "the pieces that the model was trained on");
  parser.add("--track", options.track, "read only the tracks of this name, for example MELODY");
  parser.add("--json", options.json, "print one JSON object on stdout");
  parser.add_settings(Arguments::Presets::no);
  add_compute_options(parser, options.compute);
  parser.add("--batch-size", options.batch_size, "pieces computed together");
  parser.footer("Example: cadenza classify --model style/model.safetensors --input music");
  if (!parser.parse(arguments)) return kDone;
  parser.require("--model");
  parser.require("--input");
  if (options.batch_size < 1) {
    throw UsageError(message("--batch-size is ", options.batch_size, ", expected 1 or more"));
  }
  if (options.bars < -1) {
    throw UsageError(message("--bars is ", options.bars, ", expected -1 or more"));
  }
  std::optional<Labeller> labeller;
  if (!options.labels.empty()) labeller.emplace(options.labels);

  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedClassifier loaded = load_classifier(options.model, *backend);
  const Encoding encoding = {.tokenizer = *loaded.tokenizer,
                             .track = options.track,
                             .bars = options.bars < 0 ? loaded.info.music.bars : options.bars};
  const Music music = read_music(options.inputs, encoding);
  const auto files = classify_files(music, *loaded.model, options.batch_size);
  std::optional<Confusion> confusion;
  if (labeller) confusion = compare(files, loaded.info.labels, *labeller);
  explain_decisions(options.compute, *backend);
  if (options.json) {
    report_json(files, music, loaded.info.labels, confusion);
  } else {
    report_text(files, loaded.info.labels, confusion);
  }
  return kDone;
}

}  // namespace cadenza::tools
