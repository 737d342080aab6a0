// SPDX-License-Identifier: Apache-2.0
#include "cadenza/transform.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cadenza/error.h"
#include "core/largest_that_fits.h"
#include "generate/beam_search.h"
#include "generate/decoder_rows.h"
#include "generate/host_arrays.h"
#include "nn/host_copy.h"
#include "nn/token_draws.h"

namespace cadenza {
namespace {

constexpr std::int64_t kPenaltyWindow = 64;

void check_request(const Seq2SeqConfig& config, const std::vector<Sequence>& sources,
                   const TransformRequest& request) {
  check(request.num_steps >= 1, "transform: num_steps is ", request.num_steps,
        ", expected at least 1");
  check(request.beam >= 0 && request.beam <= 1024, "transform: beam is ", request.beam,
        ", expected 0 to 1024");
  check(request.first_sequence >= 0, "transform: first_sequence is ", request.first_sequence,
        ", expected at least 0");
  check(request.batch_size >= 1, "transform: batch_size is ", request.batch_size,
        ", expected at least 1");
  for (const Sequence& source : sources) {
    check(!source.tokens.empty(), "transform: a source holds no token");
    for (const std::int32_t id : source.tokens) {
      check(id >= 0 && id < config.source_width, "transform: a source holds token ", id,
            ", the vocabulary is 0 to ", config.source_width - 1);
    }
  }
}

/// Logits of each row to the logarithms of their softmax.
void normalize_rows(std::vector<double>& values, std::size_t width) {
  for (std::size_t begin = 0; begin < values.size(); begin += width) {
    const std::span row = std::span(values).subspan(begin, width);
    const double largest = *std::max_element(row.begin(), row.end());
    double sum = 0.0;
    for (const double x : row) sum += std::exp(x - largest);
    const double normalizer = largest + std::log(sum);
    for (double& x : row) x -= normalizer;
  }
}

std::vector<Transformed> search(Seq2Seq& model, std::span<const Sequence> sources,
                                const TransformRequest& request) {
  const std::int32_t end = model.config().end_token();
  std::vector<BeamSearch> searches(sources.size(),
                                   BeamSearch(request.beam, end, request.num_steps));
  const std::size_t each = searches.front().row_count();
  std::vector<const Sequence*> row_sources;
  for (const Sequence& source : sources) row_sources.insert(row_sources.end(), each, &source);
  DecoderRows rows(model, row_sources);

  const std::size_t width = static_cast<std::size_t>(end) + 1;
  std::vector<std::int32_t> from(row_sources.size());
  std::vector<std::int32_t> tokens(row_sources.size());
  const auto done = [](const BeamSearch& one) { return one.done(); };
  while (!std::all_of(searches.begin(), searches.end(), done)) {
    for (std::size_t r = 0; r < tokens.size(); ++r) {
      const BeamSearch& one = searches[r / each];
      from[r] = static_cast<std::int32_t>(r / each * each) + one.from(r % each);
      tokens[r] = one.token(r % each);
    }
    std::vector<double> scores = download_real(model.backend(), rows.step(from, tokens));
    normalize_rows(scores, width);
    for (std::size_t i = 0; i < searches.size(); ++i) {
      searches[i].advance(std::span(scores).subspan(i * each * width, each * width));
    }
  }
  std::vector<Transformed> results;
  for (const BeamSearch& one : searches) results.push_back(one.result());
  return results;
}

/// What penalties look back on: the last tokens of each row, -1 where there are none.
std::vector<std::int32_t> last_tokens(const std::vector<Transformed>& rows) {
  std::vector<std::int32_t> window;
  for (const Transformed& row : rows) {
    const std::vector<std::int32_t>& tokens = row.sequence.tokens;
    const auto count = std::min<std::ptrdiff_t>(kPenaltyWindow, std::ssize(tokens));
    window.insert(window.end(), tokens.end() - count, tokens.end());
    window.insert(window.end(), static_cast<std::size_t>(kPenaltyWindow - count), -1);
  }
  return window;
}

std::vector<Transformed> draw(Seq2Seq& model, std::span<const Sequence> sources,
                              const TransformRequest& request, std::int64_t first) {
  Backend& backend = model.backend();
  check(model.parameters().dtype() == DType::f32, "transform: draws need a model in f32, got ",
        name_of(model.parameters().dtype()));
  std::vector<const Sequence*> row_sources;
  for (const Sequence& source : sources) row_sources.push_back(&source);
  DecoderRows rows(model, row_sources);

  const std::int64_t count = rows.count();
  const auto size = static_cast<std::size_t>(count);
  Arena arena(backend);
  Tape tape(backend, arena, DType::f32, GradMode::none);
  TokenDraws draws(tape, request.sampling, {.seed = request.seed, .first = first, .count = count});
  const TensorView window = tape.allocate({count, kPenaltyWindow}, DType::i32);
  const TensorView drawn = tape.allocate({count}, DType::i32);
  const TensorView log_probability = tape.allocate({count});

  std::vector<Transformed> results(size);
  std::vector<std::int32_t> same(size);
  std::iota(same.begin(), same.end(), 0);
  std::vector<std::int32_t> tokens(size, -1);
  std::size_t open = size;
  for (std::int64_t t = 0; t < request.num_steps && open > 0; ++t) {
    put(backend, last_tokens(results), window);
    draws.draw({.logits = rows.step(same, tokens),
                .window = window,
                .tokens = drawn,
                .log_probability = log_probability},
               t);
    tokens = get<std::int32_t>(backend, drawn);
    const std::vector<float> surprise = get<float>(backend, log_probability);
    for (std::size_t r = 0; r < size; ++r) {
      if (results[r].ended) continue;
      results[r].log_probability += static_cast<double>(surprise[r]);
      if (tokens[r] == model.config().end_token()) {
        results[r].ended = true;
        --open;
      } else {
        results[r].sequence.tokens.push_back(tokens[r]);
      }
    }
  }
  return results;
}

}  // namespace

std::vector<Transformed> transform(
    Seq2Seq& model, const std::vector<Sequence>& sources, const TransformRequest& request,
    const std::function<void(std::int64_t, std::int64_t)>& progress) {
  check_request(model.config(), sources, request);
  std::vector<Transformed> results;
  const auto batch = static_cast<std::size_t>(request.batch_size);
  for (std::size_t first = 0; first < sources.size(); first += batch) {
    const auto some = std::span(sources).subspan(first, std::min(batch, sources.size() - first));
    const auto number = request.first_sequence + static_cast<std::int64_t>(first);
    const auto count = static_cast<std::int64_t>(some.size());
    std::vector<Transformed> found = with_room(
        message("transforming ", count, " pieces at once"), count, [&](std::int64_t rows) {
          const auto those = some.first(static_cast<std::size_t>(rows));
          return request.beam > 0 ? search(model, those, request)
                                  : draw(model, those, request, number);
        });
    std::move(found.begin(), found.end(), std::back_inserter(results));
    if (progress) {
      progress(static_cast<std::int64_t>(results.size()),
               static_cast<std::int64_t>(sources.size()));
    }
  }
  return results;
}

}  // namespace cadenza
