// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>

#include "cadenza/error.h"
#include "cadenza/vae.h"
#include "tools/generate/generate.h"
#include "tools/generate/label_choice.h"

namespace cadenza::tools {
void generate_from_codes(const Arguments& parser, GenerateOptions& options) {
  parser.refuse({"--num-steps", "--primer", "--primer-midi", "--primer-steps", "--first-step",
                 "--repetition-penalty", "--frequency-penalty", "--presence-penalty",
                 "--key-condition", "--density", "--key", "--lowest", "--highest"},
                "does not apply to a model that decodes whole pieces");
  refuse_scoring(parser);
  const GenerationRequest& request = options.request;
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedVae loaded = load_vae(options.model.file, *backend);
  check(loaded.info.config.variational == Variational::yes, options.model.file,
        ": is an autoencoder, whose codes have no prior to draw new ones from; train --model vae");
  const std::int32_t label = choose_label("--label", options.conditions.label, loaded.info.labels);
  make_folder(options.output);

  const auto start = std::chrono::steady_clock::now();
  std::vector<Code> codes;
  for (std::int64_t i = 0; i < request.num_outputs; ++i) {
    codes.push_back(prior_code(loaded.info.config, request.seed,
                               static_cast<std::uint64_t>(request.first_sequence + i)));
  }
  const std::vector<std::int32_t> labels(label < 0 ? 0 : codes.size(), label);
  const std::vector<Sequence> pieces = decode(*loaded.model, codes,
                                              {.labels = labels,
                                               .sampling = options.sampling,
                                               .seed = request.seed,
                                               .first_sequence = request.first_sequence,
                                               .batch_size = request.batch_size});
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  GenerationWork work = {.seconds = elapsed.count()};
  Products products;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    work.tokens += static_cast<std::int64_t>(pieces[i].size());
    products.write(loaded.tokenizer->decode(pieces[i], options.scoring.qpm),
                   std::filesystem::path(options.output) /
                       numbered_name(request.first_sequence + static_cast<std::int64_t>(i)),
                   options.formats);
  }
  explain_decisions(options.compute, *backend);
  report(products, work, options, "codes from the prior, step by step", backend->name());
}

}  // namespace cadenza::tools
