// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/error.h"
#include "cadenza/event_gan.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/judge/evaluate.h"
#include "tools/judge/music_sets.h"

namespace cadenza::tools {
namespace {

using EventPieces = std::vector<std::vector<NoteEvent>>;

MusicSet measure_pieces(const std::string& key, const std::string& label,
                        const EventPieces& pieces) {
  std::vector<Score> scores;
  for (const std::vector<NoteEvent>& piece : pieces) scores.push_back(score_of_events(piece));
  return measure_set(key, label, scores);
}

/// The music of the pieces, each as long as the model makes them at most.
EventPieces events_of(const std::vector<Piece>& pieces, const Tokenizer& tokenizer, int most) {
  EventPieces all;
  for (const Piece& piece : pieces) {
    all.push_back(note_events(tokenizer.decode(piece.sequence)));
    all.back().resize(std::min(all.back().size(), static_cast<std::size_t>(most)));
  }
  return all;
}

/// The share of pieces that the discriminator takes for real.
double real_share(EventGan& model, const EventPieces& pieces, int batch_size) {
  const double between = model.config().word_loss == WordLoss::squared ? 0.5 : 0.0;
  const std::vector<double> words = words_on(model, pieces, batch_size);
  const auto above =
      std::count_if(words.begin(), words.end(), [&](double word) { return word > between; });
  return static_cast<double>(above) / static_cast<double>(words.size());
}

}  // namespace

void evaluate_event_gan(const EvaluateOptions& options) {
  if (options.num_outputs < 2) {
    throw UsageError(message("--num-outputs is ", options.num_outputs,
                             ", expected 2 or more pieces to compare with the data"));
  }
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedEventGan loaded = load_event_gan(options.model.file, *backend);
  EventGan& model = *loaded.model;
  const Dataset data = load_data(options.data);
  model.check_data(data);
  const EventPieces real =
      events_of(pieces_of(data, options), *loaded.tokenizer, model.config().events);
  const EventPieces made = compose(
      model, {.num_outputs = options.num_outputs,
              .num_events = options.num_steps > 0 ? options.num_steps : model.config().events,
              .seed = options.seed,
              .batch_size = options.batch_size});
  const MusicSet real_set = measure_pieces("data", options.split_name, real);
  const MusicSet made_set = measure_pieces("generated", "generated", made);
  const SetComparison comparison = compare_sets(made_set, real_set);
  const double real_right = real_share(model, real, options.batch_size);
  const double made_right = 1.0 - real_share(model, made, options.batch_size);
  if (!options.png.empty()) draw_comparison(comparison, made_set, real_set, options.png);
  explain_decisions(options.compute, *backend);
  if (options.json) {
    nlohmann::ordered_json out = {
        {"split", options.split_name},
        {"pieces", real.size()},
        {"backend", backend->name()},
        {"music",
         {{real_set.key, figures_json(real_set.figures)},
          {made_set.key, figures_json(made_set.figures)}}},
        {"discriminator", {{"real_right", real_right}, {"generated_right", made_right}}}};
    add_comparison(out, comparison, made_set, real_set);
    print_json(out);
    return;
  }
  std::cout << "split    : " << options.split_name << ", " << real.size() << " pieces\n";
  print_figures({&real_set, &made_set});
  std::cout << "the discriminator is right about " << fixed_text(100.0 * real_right, 1)
            << " % of the real and " << fixed_text(100.0 * made_right, 1)
            << " % of the generated pieces\n";
  print_comparison(comparison, made_set, real_set);
}

}  // namespace cadenza::tools
