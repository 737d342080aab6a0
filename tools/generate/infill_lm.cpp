// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "cadenza/error.h"
#include "cadenza/language_model.h"
#include "tools/common/progress.h"
#include "tools/generate/infill.h"

namespace cadenza::tools {
namespace {

/// A model of one voice writes in place of one track, or it would not be clear which goes.
void check_tracks(const Score& subject, const Tokenizer& tokenizer, const std::string& file) {
  const std::optional<TokenGrid> grid = tokenizer.grid();
  const auto tracks =
      std::count_if(subject.tracks.begin(), subject.tracks.end(),
                    [](const Track& track) { return !track.is_drum() && !track.notes.empty(); });
  check(!grid || grid->voices.size() > 1 || tracks == 1, file, ": has ", tracks,
        " tracks with notes, expected one for a model of ", tokenizer.name(),
        "; name it with --track");
}

}  // namespace

void infill_by_resampling(const Arguments& parser, const InfillOptions& options) {
  parser.refuse({"--voices", "--keep", "--length", "--sweeps", "--spacing", "--start-temperature"},
                "does not apply to a language model, which fills in bars");
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedModel loaded = open_model(options.model, *backend);
  const InfillInput input = read_infill_input(options);
  check_tracks(input.subject, *loaded.tokenizer, options.input);
  ResampleRequest request = options.resampling;
  request.begin = input.begin;
  request.end = input.end;
  request.num_outputs = options.num_outputs;
  request.conditions = read_conditions(parser, options.conditions, loaded.info);
  request.sampling = options.sampling;
  request.seed = options.seed;
  request.first_sequence = options.first_sequence;
  if (options.batch_size > 0) request.batch_size = options.batch_size;

  const auto start = std::chrono::steady_clock::now();
  InfillWork work = {.method = "sampling-importance-resampling"};
  std::vector<Score> scores;
  Progress progress("filling in");
  try {
    for (Resampled& version : resample(*loaded.model, *loaded.tokenizer, input.subject, request,
                                       [&](std::int64_t done, std::int64_t total) {
                                         progress.update(
                                             static_cast<double>(done) / static_cast<double>(total),
                                             "candidates");
                                       })) {
      scores.push_back(input.joined(std::move(version.score)));
      work.effective.push_back(version.effective);
      if (version.usable == 0) ++work.unfinished;
    }
  } catch (const ArgumentError& error) {
    throw ArgumentError(message(options.input, ": ", error.what()));
  }
  progress.finish();
  work.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  explain_decisions(options.compute, *backend);
  finish_infill(scores, work, options, backend->name());
}

}  // namespace cadenza::tools
