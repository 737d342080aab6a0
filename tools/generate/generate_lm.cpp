// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>
#include <iostream>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/common/progress.h"
#include "tools/generate/generate.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

Sequence encode_primer(const GenerateOptions& options, const Tokenizer& tokenizer) {
  const bool typed = options.primer_midi.empty();
  if (typed && tokenizer.name() == "ids") return typed_numbers(options.primer);
  const Score score =
      typed ? parse_primer(options.primer) : read_midi_file(options.primer_midi).score;
  std::string reason;
  Sequence primer = tokenizer.encode_primer(score, &reason);
  if (primer.size() == 0) {
    throw ArgumentError(message(typed ? "--primer" : options.primer_midi, ": ", reason));
  }
  return primer;
}

/// The primer as the model's steps; empty if none was asked for.
Sequence read_primer(const GenerateOptions& options, const Tokenizer& tokenizer) {
  if (options.primer.empty() && options.primer_midi.empty()) return {};
  Sequence primer = encode_primer(options, tokenizer);
  if (options.primer_steps > 0) {
    const auto most = static_cast<std::size_t>(options.primer_steps);
    primer.tokens.resize(std::min(most, primer.tokens.size()));
    primer.frames.resize(std::min(most, primer.frames.size()));
  }
  return primer;
}

void explain(const GenerationPlan& plan) {
  std::cerr << "plan     : " << plan.kernel << ": " << plan.reason << "; workspace "
            << short_count(static_cast<double>(plan.workspace_bytes)) << "B\n";
  for (const std::string& refusal : plan.refused) std::cerr << "refused  : " << refusal << '\n';
}

std::vector<Generated> generate(const Generator& generator, const GenerationRequest& request,
                                double& seconds) {
  Progress progress("generating");
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::vector<Generated> generated =
      generator.run(request, [&](std::int64_t done, std::int64_t total) {
        const auto steps = static_cast<double>(done);
        progress.update(steps / static_cast<double>(total),
                        short_count(steps / elapsed()) + " steps/s");
      });
  seconds = elapsed();
  return generated;
}

}  // namespace

void generate_step_by_step(const Arguments& parser, GenerateOptions& options) {
  refuse_scoring(parser);
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedModel loaded = open_model(options.model, *backend);
  options.request.sampling = {options.sampling};
  if (!options.limits.all()) {
    options.request.allowed = allowed_tokens(*loaded.tokenizer, options.limits);
  }
  options.request.conditions = read_conditions(parser, options.conditions, loaded.info);
  options.request.primer = read_primer(options, *loaded.tokenizer);
  make_folder(options.output);

  const Generator generator(*loaded.model, *loaded.tokenizer);
  const GenerationPlan plan = generator.plan(options.request);
  if (options.compute.explain) explain(plan);
  Products products;
  GenerationWork work;
  const std::vector<Generated> generated = generate(generator, options.request, work.seconds);
  for (const Generated& piece : generated) {
    work.tokens += static_cast<std::int64_t>(piece.sequence.size() - options.request.primer.size());
    products.write(loaded.tokenizer->decode(piece.sequence, options.scoring.qpm),
                   fs::path(options.output) / numbered_name(piece.number), options.formats);
  }
  explain_decisions(options.compute, *backend);
  report(products, work, options, plan.kernel, backend->name());
}

}  // namespace cadenza::tools
