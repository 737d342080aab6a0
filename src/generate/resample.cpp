// SPDX-License-Identifier: Apache-2.0
#include "cadenza/resample.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cadenza/error.h"
#include "cadenza/generator.h"
#include "generate/region_notes.h"
#include "generate/tail_likelihood.h"

namespace cadenza {
namespace {

void check_request(const ResampleRequest& request, const Score& score) {
  const auto at_least = [](const char* name, std::int64_t value, std::int64_t least) {
    check(value >= least, "infill: ", name, " is ", value, ", expected at least ", least);
  };
  at_least("num_outputs", request.num_outputs, 1);
  at_least("candidates", request.candidates, 1);
  at_least("horizon", request.horizon, 1);
  at_least("first_sequence", request.first_sequence, 0);
  at_least("batch_size", request.batch_size, 1);
  check(request.begin < request.end, "infill: the region from tick ", request.begin, " to ",
        request.end, " is empty");
  check(request.begin >= 0 && request.begin < score.end(), "infill: the region from tick ",
        request.begin, " to ", request.end, " leaves the music, which ends at ", score.end());
}

/// The tempo at `tick`, in quarters a minute.
double tempo_at(const Score& score, std::int64_t tick) {
  double qpm = 120.0;
  for (const Tempo& tempo : score.tempos) {
    if (tempo.tick <= tick) qpm = 60e6 / tempo.microseconds_per_quarter;
  }
  return qpm;
}

/// Whether percussion has tokens.
bool reads_drums(const Tokenizer& tokenizer) {
  Score score;
  score.tracks = {
      {.name = "", .channel = 9, .program = 0, .notes = {{0, 480, 36, 80}}, .pedal = {}}};
  return tokenizer.encode_primer(score).size() > 0;
}

/// The music with one continuation in the region.
struct Candidate {
  Score score;
  bool reached = false;     ///< the end of the region, or nothing follows
  double log_weight = 0.0;  ///< log probability of what follows
};

/// Writes a region anew.
class Region {
 public:
  Region(LanguageModel& model, const Tokenizer& tokenizer, const Score& score,
         const ResampleRequest& request)
      : model_(model),
        tokenizer_(tokenizer),
        score_(score),
        request_(request),
        span_{request.begin, request.end},
        drums_(reads_drums(tokenizer) ? Drums::replaced : Drums::kept),
        qpm_(tempo_at(score, request.begin)) {}

  /// The candidates of every output.
  std::vector<Candidate> candidates(
      const std::function<void(std::int64_t, std::int64_t)>& progress) const {
    GenerationRequest ask = {.num_outputs = request_.num_outputs * request_.candidates,
                             .first_sequence = request_.first_sequence * request_.candidates,
                             .num_steps = budget(),
                             .seed = request_.seed,
                             .sampling = {request_.sampling},
                             .conditions = request_.conditions,
                             .batch_size = request_.batch_size};
    if (request_.begin > 0) ask.primer = tokenizer_.encode_primer(cut(score_, 0, request_.begin));
    const bool last = !followed();
    std::vector<Candidate> found;
    std::vector<Tail> tails;
    for (const Generated& drawn : Generator(model_, tokenizer_).run(ask, progress)) {
      Score decoded = tokenizer_.decode(drawn.sequence, qpm_);
      const PlacedMusic music = ask.primer.size() > 0
                                    ? PlacedMusic(std::move(decoded), score_)
                                    : PlacedMusic(std::move(decoded), score_, request_.begin);
      found.push_back({.score = with_region(score_, span_, music.score(), drums_),
                       .reached = last || music.has_notes_from(request_.end)});
      if (!last) tails.push_back(tail_of(found.back().score));
    }
    if (last) return found;
    const auto weights = tail_likelihoods(model_, tails, request_.conditions, request_.batch_size);
    for (std::size_t i = 0; i < found.size(); ++i) found[i].log_weight = weights[i];
    return found;
  }

 private:
  bool followed() const {
    return std::any_of(score_.tracks.begin(), score_.tracks.end(), [&](const Track& track) {
      return std::any_of(track.notes.begin(), track.notes.end(),
                         [&](const Note& note) { return note.start >= request_.end; });
    });
  }

  /// Tokens that a candidate may take: twice as many as the music there, or as its mean.
  std::int64_t budget() const {
    constexpr double kRoom = 64.0;
    const auto tokens = [&](const Score& music) {
      return static_cast<double>(tokenizer_.encode_primer(music).size());
    };
    const double share =
        static_cast<double>(request_.end - request_.begin) / static_cast<double>(score_.end());
    const double expected =
        std::max(tokens(cut(score_, request_.begin, request_.end)), share * tokens(score_));
    return static_cast<std::int64_t>(2.0 * expected + kRoom);
  }

  /// The tokens of a score up to the horizon; the tail are those behind the end of the region.
  Tail tail_of(const Score& score) const {
    Tail tail = {.sequence = tokenizer_.encode_primer(score)};
    const std::vector<std::int32_t>& all = tail.sequence.tokens;
    // 1. The fewest tokens that hold all notes that start before the end.
    const std::size_t wanted = notes_before_end(all, score);
    std::size_t few = 0;
    std::size_t enough = all.size();
    while (few < enough) {
      const std::size_t middle = (few + enough) / 2;
      const std::vector<std::int32_t> start(all.begin(), at(all, middle));
      if (notes_before_end(start, score) < wanted) {
        few = middle + 1;
      } else {
        enough = middle;
      }
    }
    // 2. As many more as let time pass until there: a note that came next would start behind it.
    std::size_t next = enough;
    while (next < all.size() && !tokenizer_.started_pitch(all[next])) ++next;
    for (tail.begin = enough; tail.begin < next; ++tail.begin) {
      std::vector<std::int32_t> early(all.begin(), at(all, tail.begin));
      early.insert(early.end(), at(all, next), at(all, next + kProbe));
      if (notes_before_end(early, score) == wanted) break;
    }
    const auto horizon = static_cast<std::size_t>(request_.horizon);
    if (all.size() - tail.begin > horizon) tail.sequence.tokens.resize(tail.begin + horizon);
    return tail;
  }

  /// Tokens of a probing note and time for it to sound in.
  static constexpr std::size_t kProbe = 16;

  static std::vector<std::int32_t>::const_iterator at(const std::vector<std::int32_t>& tokens,
                                                      std::size_t position) {
    return tokens.begin() + static_cast<std::ptrdiff_t>(std::min(position, tokens.size()));
  }

  std::size_t notes_before_end(const std::vector<std::int32_t>& tokens, const Score& score) const {
    return PlacedMusic(tokenizer_.decode({tokens, {}}, qpm_), score).notes_before(request_.end);
  }

  LanguageModel& model_;
  const Tokenizer& tokenizer_;
  const Score& score_;
  const ResampleRequest& request_;
  TickSpan span_;
  Drums drums_;
  double qpm_;
};

/// Chooses one of the candidates of an output: of those that reached the end if there are any.
Resampled choose(std::span<const Candidate> candidates, const ResampleRequest& request,
                 std::int64_t output) {
  Resampled result;
  for (const Candidate& candidate : candidates) result.usable += candidate.reached ? 1 : 0;
  constexpr double kImpossible = -std::numeric_limits<double>::infinity();
  std::vector<double> weights;
  for (const Candidate& candidate : candidates) {
    weights.push_back(candidate.reached || result.usable == 0 ? candidate.log_weight : kImpossible);
  }
  const double best = *std::max_element(weights.begin(), weights.end());
  std::vector<float> logits;
  double sum = 0.0;
  double squares = 0.0;
  for (const double weight : weights) {
    const double share = std::exp(weight - best);
    logits.push_back(static_cast<float>(weight - best));
    sum += share;
    squares += share * share;
  }
  result.effective = sum * sum / squares;
  // The generator never comes to the last step.
  const SampleResult chosen = sample_row({.logits = logits,
                                          .params = pack({}),
                                          .seed = request.seed,
                                          .sequence = static_cast<std::uint64_t>(output),
                                          .step = std::numeric_limits<std::uint32_t>::max()});
  result.score = candidates[static_cast<std::size_t>(chosen.token)].score;
  return result;
}

}  // namespace

std::vector<Resampled> resample(LanguageModel& model, const Tokenizer& tokenizer,
                                const Score& score, const ResampleRequest& request,
                                const std::function<void(std::int64_t, std::int64_t)>& progress) {
  check_request(request, score);
  check(model.config().step_kind() == StepKind::token,
        "infill: the model writes frames, expected tokens");
  const std::vector<Candidate> candidates =
      Region(model, tokenizer, score, request).candidates(progress);
  std::vector<Resampled> results;
  const auto each = static_cast<std::size_t>(request.candidates);
  for (std::size_t first = 0; first < candidates.size(); first += each) {
    const auto output = request.first_sequence + static_cast<std::int64_t>(first / each);
    results.push_back(choose(std::span(candidates).subspan(first, each), request, output));
  }
  return results;
}

}  // namespace cadenza
