// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/transform.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/judge/evaluate.h"

namespace cadenza::tools {
namespace {

/// What the model made of the sources, beside the true targets.
struct Comparison {
  double exact = 0.0;            ///< share of targets found token for token
  double same_tokens = 0.0;      ///< share of positions, of the longer one, with the same token
  double log_probability = 0.0;  ///< mean over the targets found, under the model
};

void check_match(const LoadedSeq2Seq& loaded, const Dataset& data, const EvaluateOptions& options) {
  const Seq2SeqFileInfo& info = loaded.info;
  if (!data.pairs) {
    throw ArgumentError(message(options.data, ": holds single pieces, but ", options.model.file,
                                " is a seq2seq model, which reads pairs"));
  }
  if (data.pairs->tokenizer_name == info.pairs.tokenizer_name &&
      data.pairs->tokenizer_settings == info.pairs.tokenizer_settings &&
      data.tokenizer_name == info.tokenizer_name &&
      data.tokenizer_settings == info.tokenizer_settings) {
    return;
  }
  throw ArgumentError(message(options.data, ": holds pairs of ", data.pairs->tokenizer_name, " (",
                              data.pairs->tokenizer_settings, ") and ", data.tokenizer_name, " (",
                              data.tokenizer_settings, "), but ", options.model.file,
                              " was trained on ", info.pairs.tokenizer_name, " (",
                              info.pairs.tokenizer_settings, ") and ", info.tokenizer_name, " (",
                              info.tokenizer_settings, ")"));
}

Comparison compare(Seq2Seq& model, const std::vector<Piece>& pieces,
                   const EvaluateOptions& options) {
  TransformRequest request = {.beam = options.beam, .batch_size = options.batch_size};
  std::vector<Sequence> sources;
  std::size_t longest = 0;
  for (const Piece& piece : pieces) {
    sources.push_back(piece.source);
    longest = std::max(longest, piece.sequence.size());
  }
  // One that does not end is no closer for being longer.
  request.num_steps =
      options.num_steps > 0 ? options.num_steps : static_cast<std::int64_t>(longest) + 1;
  Progress progress("transforming");
  const std::vector<Transformed> found =
      transform(model, sources, request, [&](std::int64_t done, std::int64_t total) {
        progress.update(static_cast<double>(done) / static_cast<double>(total), "");
      });
  Comparison comparison;
  std::size_t same = 0;
  std::size_t positions = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::vector<std::int32_t>& a = found[i].sequence.tokens;
    const std::vector<std::int32_t>& b = pieces[i].sequence.tokens;
    positions += std::max(a.size(), b.size());
    for (std::size_t t = 0; t < std::min(a.size(), b.size()); ++t) same += a[t] == b[t] ? 1 : 0;
    comparison.exact += found[i].ended && a == b ? 1.0 : 0.0;
    comparison.log_probability += found[i].log_probability;
  }
  const auto count = static_cast<double>(pieces.size());
  comparison.exact /= count;
  comparison.log_probability /= count;
  comparison.same_tokens = static_cast<double>(same) / static_cast<double>(positions);
  return comparison;
}

void report(const Likelihood& likelihood, const Comparison& found, const EvaluateOptions& options,
            std::string_view backend) {
  if (options.json) {
    nlohmann::ordered_json out = {{"split", options.split_name},
                                  {"pieces", likelihood.pieces},
                                  {"steps", likelihood.steps},
                                  {"nll_per_token", likelihood.all},
                                  {"perplexity", std::exp(likelihood.all)},
                                  {"backend", backend}};
    if (options.beam > 0) {
      out["found"] = {{"beam", options.beam},
                      {"exact", found.exact},
                      {"same_tokens", found.same_tokens},
                      {"log_probability", found.log_probability}};
    }
    print_json(out);
    return;
  }
  std::cout << "split    : " << options.split_name << ", " << likelihood.pieces << " pairs, "
            << likelihood.steps << " tokens of targets with their ends\n"
            << "NLL per token: " << fixed_text(likelihood.all, 4) << '\n'
            << "perplexity   : " << fixed_text(std::exp(likelihood.all), 4) << '\n';
  if (options.beam == 0) return;
  std::cout << "\ntargets found with a beam of " << options.beam << '\n'
            << "exactly the true ones  : " << fixed_text(100.0 * found.exact, 2) << " %\n"
            << "same tokens in place   : " << fixed_text(100.0 * found.same_tokens, 2) << " %\n"
            << "mean log probability   : " << fixed_text(found.log_probability, 4) << '\n';
}

}  // namespace

void evaluate_seq2seq(const EvaluateOptions& options) {
  if (options.num_outputs > 0) {
    throw UsageError("--num-outputs is for models that need no source; transform writes music");
  }
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedSeq2Seq loaded = load_seq2seq(options.model.file, *backend);
  const Dataset data = load_data(options.data);
  check_match(loaded, data, options);
  const std::vector<Piece>& pieces = pieces_of(data, options);
  const Likelihood likelihood = evaluate(*loaded.model, data, options.split, options.batch_size);
  Comparison found;
  if (options.beam > 0) found = compare(*loaded.model, pieces, options);
  explain_decisions(options.compute, *backend);
  report(likelihood, found, options, backend->name());
}

}  // namespace cadenza::tools
