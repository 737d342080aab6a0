// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>

#include "cadenza/error.h"
#include "cadenza/event_gan.h"
#include "tools/generate/generate.h"

namespace cadenza::tools {
void generate_events(const Arguments& parser, GenerateOptions& options) {
  parser.refuse({"--primer", "--primer-midi", "--primer-steps", "--top-k", "--top-p", "--min-p",
                 "--typical", "--repetition-penalty", "--frequency-penalty", "--presence-penalty",
                 "--label", "--key-condition", "--density", "--key", "--lowest", "--highest"},
                "does not apply to a model that makes notes as numbers");
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedEventGan loaded = load_event_gan(options.model.file, *backend);
  ComposeRequest request = {.num_outputs = options.request.num_outputs,
                            .first_sequence = options.request.first_sequence,
                            .num_events = loaded.info.config.events,
                            .seed = options.request.seed,
                            .temperature = options.sampling.temperature,
                            .batch_size = options.request.batch_size};
  if (parser.given("--num-steps")) request.num_events = options.request.num_steps;
  make_folder(options.output);

  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::vector<NoteEvent>> pieces = compose(*loaded.model, request);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  GenerationWork work = {.tokens = request.num_outputs * request.num_events,
                         .seconds = elapsed.count()};
  Products products;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    products.write(score_of_events(pieces[i], options.scoring),
                   std::filesystem::path(options.output) /
                       numbered_name(request.first_sequence + static_cast<std::int64_t>(i)),
                   options.formats);
  }
  explain_decisions(options.compute, *backend);
  report(products, work, options, "notes as numbers, step by step", backend->name());
}

}  // namespace cadenza::tools
