// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/transform.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/generate/song.h"
#include "tools/generate/transform.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

/// Every part of every version of every input, in this order.
std::vector<Transformed> transform_all(Seq2Seq& model, const std::vector<TransformInput>& inputs,
                                       const TransformOptions& options) {
  std::vector<Sequence> sources;
  for (const TransformInput& input : inputs) {
    for (std::int64_t version = 0; version < options.num_outputs; ++version) {
      sources.insert(sources.end(), input.parts.begin(), input.parts.end());
    }
  }
  Progress progress("transforming");
  return transform(model, sources, options.request, [&](std::int64_t done, std::int64_t total) {
    progress.update(static_cast<double>(done) / static_cast<double>(total),
                    message(done, " of ", total, " parts"));
  });
}

Score assemble(const TransformInput& input, std::span<const Transformed> parts,
               const LoadedSeq2Seq& loaded, bool target_only) {
  Song song(input.score);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!target_only) {
      song.add("source", loaded.source_tokenizer->decode(input.parts[i]), input.starts[i]);
    }
    song.add("target", loaded.tokenizer->decode(parts[i].sequence), input.starts[i]);
  }
  return song.finish();
}

void report(const Products& products, const std::vector<Transformed>& parts,
            const TransformOptions& options, std::string_view backend) {
  double log_probability = 0.0;
  std::int64_t tokens = 0;
  std::int64_t unfinished = 0;
  for (const Transformed& part : parts) {
    log_probability += part.log_probability;
    tokens += static_cast<std::int64_t>(part.sequence.size()) + (part.ended ? 1 : 0);
    unfinished += part.ended ? 0 : 1;
  }
  const double nll = -log_probability / static_cast<double>(tokens);
  if (options.json) {
    print_json({{"files", products.files},
                {"pictures", products.pictures},
                {"audio", products.audio},
                {"parts", parts.size()},
                {"unfinished", unfinished},
                {"tokens", tokens},
                {"notes", products.notes},
                {"nll_per_token", nll},
                {"backend", backend}});
    return;
  }
  if (unfinished > 0) {
    std::cerr << "note     : " << unfinished << " of " << parts.size()
              << " parts had no end within --num-steps " << options.request.num_steps << '\n';
  }
  std::cout << "transformed: " << parts.size() << " parts into " << tokens << " tokens, "
            << fixed_text(nll, 3) << " nats each (" << backend << ")\n";
  products.report();
}

}  // namespace

void transform_pairs(const Arguments& /*parser*/, const TransformOptions& options) {
  if (!options.to_style.empty()) {
    throw UsageError(message("--to-style: ", options.model,
                             " has learned from pairs, expected a model of train --model vae "
                             "--condition label"));
  }
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedSeq2Seq loaded = load_seq2seq(options.model, *backend);
  const std::vector<TransformInput> inputs =
      read_inputs(options.inputs, {.tokenizer = *loaded.source_tokenizer,
                                   .track = loaded.info.pairs.track,
                                   .bars = loaded.info.pairs.bars});
  make_folder(options.output);
  const std::vector<Transformed> parts = transform_all(*loaded.model, inputs, options);

  Products products;
  std::span<const Transformed> rest(parts);
  for (const TransformInput& input : inputs) {
    for (std::int64_t version = 0; version < options.num_outputs; ++version) {
      products.write(assemble(input, rest.first(input.parts.size()), loaded, options.target_only),
                     fs::path(options.output) / version_name(input, version, options),
                     options.formats);
      rest = rest.subspan(input.parts.size());
    }
  }
  explain_decisions(options.compute, *backend);
  report(products, parts, options, backend->name());
}

}  // namespace cadenza::tools
