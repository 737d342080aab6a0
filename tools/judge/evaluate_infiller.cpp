// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/infill.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/judge/evaluate.h"
#include "tools/judge/voices.h"

namespace cadenza::tools {
namespace {

void check_match(const InfillerFileInfo& info, const Dataset& data,
                 const EvaluateOptions& options) {
  if (data.tokenizer_name == info.tokenizer_name &&
      data.tokenizer_settings == info.tokenizer_settings) {
    return;
  }
  throw ArgumentError(message(options.data, ": holds ", data.tokenizer_name, " steps (",
                              data.tokenizer_settings, "), but ", options.model.file,
                              " was trained on ", info.tokenizer_name, " (",
                              info.tokenizer_settings, ")"));
}

/// Nats a token of all voices but the kept ones, given those.
double nll_given(const LoadedInfiller& loaded, const std::vector<Piece>& pieces,
                 const EvaluateOptions& options) {
  const std::string letters = loaded.tokenizer->grid()->voices;
  std::vector<bool> open(letters.size(), true);
  for (const char letter : options.keep) {
    const std::size_t voice = letters.find(letter);
    check(voice != std::string::npos, "--keep: there is no voice '", std::string(1, letter),
          "', the model has ", letters);
    open[voice] = false;
  }
  std::vector<GridBlank> blanks;
  double places = 0.0;
  for (const Piece& piece : pieces) {
    const auto steps = static_cast<std::int64_t>(piece.sequence.size() / letters.size());
    blanks.push_back(open_region(*loaded.tokenizer, piece.sequence, {0, steps, open}));
    const std::vector<bool>& marks = blanks.back().open;
    places += static_cast<double>(std::count(marks.begin(), marks.end(), true));
  }
  const std::vector<double> found =
      fill_likelihoods(*loaded.model, blanks, options.seed, options.batch_size);
  return -std::accumulate(found.begin(), found.end(), 0.0) / places;
}

void report(const Likelihood& likelihood, const std::vector<VoiceLikelihood>& voices, double given,
            const EvaluateOptions& options, std::string_view backend) {
  if (options.json) {
    nlohmann::ordered_json out = {{"split", options.split_name},
                                  {"pieces", likelihood.pieces},
                                  {"steps", likelihood.steps},
                                  {"nll_per_token_given_all_others", likelihood.all}};
    add_voices(out, voices);
    if (!options.keep.empty()) {
      out["given"] = {{"voices", options.keep}, {"nll_per_token", given}};
    }
    out["backend"] = backend;
    print_json(out);
    return;
  }
  std::cout << "split    : " << options.split_name << ", " << likelihood.pieces << " pieces, "
            << likelihood.steps << " tokens\n"
            << "NLL per token given all others: " << fixed_text(likelihood.all, 4) << '\n';
  print_voices(voices);
  if (options.keep.empty()) return;
  std::cout << "NLL per token given " << options.keep
            << ", place after place in random order: " << fixed_text(given, 4) << '\n';
}

}  // namespace

void evaluate_infiller(const EvaluateOptions& options) {
  if (options.num_outputs > 0) {
    throw UsageError("--num-outputs is for models that write from left to right; see infill");
  }
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedInfiller loaded = load_infiller(options.model.file, *backend);
  const Dataset data = load_data(options.data);
  check_match(loaded.info, data, options);
  const std::vector<Piece>& pieces = pieces_of(data, options);
  const Likelihood likelihood = evaluate(*loaded.model, data, options.split, options.batch_size);
  const auto voices = measure_voices(*loaded.model, *loaded.tokenizer, data, options);
  const double given = options.keep.empty() ? 0.0 : nll_given(loaded, pieces, options);
  explain_decisions(options.compute, *backend);
  report(likelihood, voices, given, options, backend->name());
}

}  // namespace cadenza::tools
