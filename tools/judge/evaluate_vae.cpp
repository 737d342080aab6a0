// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/vae.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/judge/evaluate.h"

namespace cadenza::tools {
namespace {

void check_match(const LoadedVae& loaded, const Dataset& data, const EvaluateOptions& options) {
  const VaeFileInfo& info = loaded.info;
  if (data.pairs) {
    throw ArgumentError(message(options.data, ": holds pairs, but ", options.model.file,
                                " is an autoencoder, which reads single pieces"));
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

void report(const Reconstruction& found, const EvaluateOptions& options, bool variational,
            std::string_view backend) {
  if (options.json) {
    nlohmann::ordered_json out = {{"split", options.split_name},
                                  {"pieces", found.pieces},
                                  {"steps", found.steps},
                                  {"reconstruction_nll_per_token", found.nll}};
    if (variational) {
      out["divergence"] = found.divergence;
      out["nll_per_token"] = found.bound;
    }
    out["taught_accuracy"] = found.taught_accuracy;
    out["free_accuracy"] = found.free_accuracy;
    out["whole_pieces"] = found.whole_pieces;
    out["backend"] = backend;
    print_json(out);
    return;
  }
  const auto percent = [](double share) { return fixed_text(100.0 * share, 2) + " %\n"; };
  std::cout << "split    : " << options.split_name << ", " << found.pieces << " pieces, "
            << found.steps << " tokens with the ends of shorter ones\n"
            << "reconstruction NLL per token       : " << fixed_text(found.nll, 4) << '\n';
  if (variational) {
    std::cout << "divergence of a code from the prior: " << fixed_text(found.divergence, 3)
              << " nats\n"
              << "NLL per token, upper bound         : " << fixed_text(found.bound, 4) << '\n';
  }
  std::cout << "right tokens after the true ones   : " << percent(found.taught_accuracy)
            << "right tokens from the code alone   : " << percent(found.free_accuracy)
            << "pieces brought back without a fault: " << percent(found.whole_pieces);
}

}  // namespace

void evaluate_vae(const EvaluateOptions& options) {
  if (options.num_outputs > 0) {
    throw UsageError("--num-outputs compares generated music for --model lm alone");
  }
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedVae loaded = load_vae(options.model.file, *backend);
  const Dataset data = load_data(options.data);
  check_match(loaded, data, options);
  pieces_of(data, options);
  const Reconstruction found = reconstruct(*loaded.model, data, options.split, options.batch_size);
  explain_decisions(options.compute, *backend);
  report(found, options, loaded.info.config.variational == Variational::yes, backend->name());
}

}  // namespace cadenza::tools
