// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "cadenza/infill.h"
#include "core/largest_that_fits.h"
#include "core/shuffle.h"
#include "generate/blank_rows.h"
#include "nn/host_copy.h"

namespace cadenza {
namespace {

/// log softmax(logits)[token]
double log_probability(std::span<const double> logits, std::int32_t token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const double x : logits) sum += std::exp(x - largest);
  return logits[static_cast<std::size_t>(token)] - largest - std::log(sum);
}

/// The open places of a blank in an order of its own.
std::vector<std::int64_t> shuffled_places(const GridBlank& blank, std::uint64_t seed,
                                          std::uint64_t number) {
  std::vector<std::int64_t> places;
  for (std::size_t p = 0; p < blank.open.size(); ++p) {
    if (blank.open[p]) places.push_back(static_cast<std::int64_t>(p));
  }
  shuffle(places, seed, {.purpose = RandomPurpose::order, .sequence = number});
  return places;
}

/// The same for some blanks side by side, the first of which has this number.
std::vector<double> likelihoods_of(Infiller& model, std::span<const GridBlank> blanks,
                                   std::uint64_t seed, std::uint64_t first) {
  const std::int64_t voices = model.config().voices;
  const auto width = static_cast<std::size_t>(model.config().width);
  GridRows grid = hidden_rows(blanks, voices);
  std::vector<std::vector<std::int64_t>> orders;
  std::size_t longest = 0;
  for (std::size_t b = 0; b < blanks.size(); ++b) {
    orders.push_back(shuffled_places(blanks[b], seed, first + b));
    longest = std::max(longest, orders.back().size());
  }
  std::vector<double> result(blanks.size(), 0.0);
  Arena arena(model.backend());
  for (std::size_t turn = 0; turn < longest; ++turn) {
    std::vector<GridPlace> places;
    for (std::size_t b = 0; b < blanks.size(); ++b) {
      if (turn >= orders[b].size()) continue;
      const std::int64_t place = orders[b][turn];
      places.push_back({place / voices, static_cast<std::int64_t>(b), place % voices});
    }
    arena.reset();
    Tape tape(model.backend(), arena, model.parameters().dtype(), GradMode::none);
    InfillerPass pass(tape, model.config(), model.parameters(), {});
    const auto logits = download_real(model.backend(), pass.logits(grid, places).value());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto row = static_cast<std::size_t>(places[i].row);
      const std::int32_t token =
          blanks[row].sequence.tokens[static_cast<std::size_t>(orders[row][turn])];
      result[row] += log_probability(std::span(logits).subspan(i * width, width), token);
      grid.ids[cell_of(grid, voices, places[i])] = token;
    }
  }
  return result;
}

}  // namespace

std::vector<double> fill_likelihoods(Infiller& model, std::span<const GridBlank> blanks,
                                     std::uint64_t seed, std::int64_t batch_size) {
  check(batch_size >= 1, "infill: batch_size is ", batch_size, ", expected at least 1");
  for (const GridBlank& blank : blanks) {
    check_blank(blank, model.config());
    for (const std::int32_t token : blank.sequence.tokens) {
      check(token >= 0 && token < model.config().width, "infill: a piece has the token ", token,
            ", the vocabulary is ", model.config().width);
    }
  }
  std::vector<double> results;
  for (std::size_t first = 0; first < blanks.size();) {
    const auto some = blanks.subspan(
        first, std::min(static_cast<std::size_t>(batch_size), blanks.size() - first));
    const auto count = static_cast<std::int64_t>(some.size());
    const std::vector<double> values =
        with_room(message("measuring ", count, " pieces at once"), count, [&](std::int64_t rows) {
          return likelihoods_of(model, some.first(static_cast<std::size_t>(rows)), seed, first);
        });
    results.insert(results.end(), values.begin(), values.end());
    first += some.size();
  }
  return results;
}

}  // namespace cadenza
