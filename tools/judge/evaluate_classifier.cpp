// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "cadenza/classifier.h"
#include "cadenza/error.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/judge/confusion.h"
#include "tools/judge/evaluate.h"

namespace cadenza::tools {
namespace {

/// The numbers of the data mean what the model was trained on, or there is nothing to measure.
void check_match(const ClassifierFileInfo& info, const Dataset& data,
                 const EvaluateOptions& options) {
  const auto list = [](const std::vector<std::string>& labels) {
    std::string text;
    for (const std::string& label : labels) text += (text.empty() ? "" : ", ") + label;
    return labels.empty() ? "no labels" : "the labels " + text;
  };
  if (data.labels != info.labels) {
    throw ArgumentError(message(options.data, ": has ", list(data.labels), ", but ",
                                options.model.file, " tells ", list(info.labels)));
  }
  if (data.tokenizer_name == info.tokenizer_name &&
      data.tokenizer_settings == info.tokenizer_settings) {
    return;
  }
  throw ArgumentError(message(options.data, ": holds ", data.tokenizer_name, " steps (",
                              data.tokenizer_settings, "), but ", options.model.file,
                              " was trained on ", info.tokenizer_name, " (",
                              info.tokenizer_settings, ")"));
}

/// The mean of what the parts of a file say.
struct File {
  std::int32_t label = -1;
  std::vector<double> shares;
  double parts = 0.0;
};

/// Whole files, whose pieces bear one name and label. Empty if every file is one piece.
std::vector<File> join_files(const std::vector<Piece>& pieces,
                             const std::vector<std::vector<double>>& shares) {
  std::map<std::pair<std::string, std::int32_t>, File> files;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    File& file = files[{pieces[i].name, pieces[i].label}];
    file.label = pieces[i].label;
    file.shares.resize(shares[i].size());
    for (std::size_t c = 0; c < shares[i].size(); ++c) file.shares[c] += shares[i][c];
    file.parts += 1.0;
  }
  std::vector<File> joined;
  if (files.size() == pieces.size()) return joined;
  for (auto& [name, file] : files) {
    for (double& share : file.shares) share /= file.parts;
    joined.push_back(std::move(file));
  }
  return joined;
}

}  // namespace

void evaluate_classifier(const EvaluateOptions& options) {
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedClassifier loaded = load_classifier(options.model.file, *backend);
  const Dataset data = load_data(options.data);
  check_match(loaded.info, data, options);
  std::vector<Sequence> sequences;
  Confusion confusion(data.labels);
  const std::vector<Piece>& pieces = pieces_of(data, options);
  for (const Piece& piece : pieces) sequences.push_back(piece.sequence);
  const auto shares = classify(*loaded.model, sequences, options.batch_size);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    confusion.add(static_cast<std::size_t>(pieces[i].label), shares[i]);
  }
  const std::vector<File> files = join_files(pieces, shares);
  Confusion by_file(data.labels);
  for (const File& file : files) by_file.add(static_cast<std::size_t>(file.label), file.shares);
  explain_decisions(options.compute, *backend);
  if (options.json) {
    nlohmann::ordered_json out = {
        {"split", options.split_name}, {"pieces", pieces.size()}, {"backend", backend->name()}};
    confusion.add_to(out);
    if (!files.empty()) by_file.add_to(out["files"]);
    print_json(out);
    return;
  }
  std::cout << "split    : " << options.split_name << '\n';
  confusion.print();
  if (!files.empty()) {
    std::cout << "\nwhole files, by the mean of what their pieces say\n";
    by_file.print();
  }
}

}  // namespace cadenza::tools
