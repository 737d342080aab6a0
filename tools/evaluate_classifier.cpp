// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/classifier.h"
#include "cadenza/error.h"
#include "confusion.h"
#include "data_file.h"
#include "evaluate.h"
#include "json_result.h"

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

}  // namespace

int evaluate_classifier(const EvaluateOptions& options) {
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
  explain_decisions(options.compute, *backend);
  if (options.json) {
    nlohmann::ordered_json out = {
        {"split", options.split_name}, {"pieces", pieces.size()}, {"backend", backend->name()}};
    confusion.add_to(out);
    print_json(out);
    return kDone;
  }
  std::cout << "split    : " << options.split_name << '\n';
  confusion.print();
  return kDone;
}

}  // namespace cadenza::tools
