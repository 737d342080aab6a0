// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cadenza/classifier.h"
#include "cadenza/error.h"
#include "core/largest_that_fits.h"
#include "nn/host_copy.h"

namespace cadenza {
namespace {

void check_pieces(std::span<const Sequence> pieces, int width) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::vector<std::int32_t>& tokens = pieces[i].tokens;
    check(!tokens.empty(), "classify: piece ", i, " has no token");
    const auto [low, high] = std::minmax_element(tokens.begin(), tokens.end());
    check(*low >= 0 && *high < width, "classify: piece ", i, " has the token ",
          *low < 0 ? *low : *high, ", the vocabulary is ", width);
  }
}

/// Rows side by side are then of similar length.
std::vector<std::size_t> longest_first(std::span<const Sequence> pieces) {
  std::vector<std::size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return pieces[a].size() > pieces[b].size();
  });
  return order;
}

/// Some of the pieces, as Classifier::scores reads them.
struct Rows {
  std::size_t steps = 0;
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> lengths;

  Rows(std::span<const Sequence> pieces, std::span<const std::size_t> which)
      : steps(pieces[which.front()].size()), ids(steps * which.size(), -1) {
    for (std::size_t b = 0; b < which.size(); ++b) {
      const std::vector<std::int32_t>& tokens = pieces[which[b]].tokens;
      for (std::size_t t = 0; t < tokens.size(); ++t) ids[t * which.size() + b] = tokens[t];
      lengths.push_back(static_cast<std::int32_t>(tokens.size()));
    }
  }
};

std::vector<double> log_softmax(std::span<const double> scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0.0;
  for (const double score : scores) sum += std::exp(score - largest);
  const double log_sum = largest + std::log(sum);
  std::vector<double> shares;
  for (const double score : scores) shares.push_back(score - log_sum);
  return shares;
}

}  // namespace

std::vector<std::vector<std::vector<double>>> log_shares(Classifier& model,
                                                         std::span<const Sequence> pieces,
                                                         int batch_size) {
  check(batch_size >= 1, "classify: batch_size is ", batch_size, ", expected at least 1");
  check_pieces(pieces, model.config().width);
  const std::vector<std::size_t> order = longest_first(pieces);
  const auto classes = static_cast<std::size_t>(model.config().classes);
  const bool every_step = model.config().pooling == Pooling::step;
  const auto scores_of = [&](std::span<const std::size_t> which) {
    const Rows rows(pieces, which);
    Arena arena(model.backend());
    Tape tape(model.backend(), arena, model.parameters().dtype(), GradMode::none);
    const Classifier::Pieces input = {
        .steps = static_cast<std::int64_t>(rows.steps), .ids = rows.ids, .lengths = rows.lengths};
    return download_real(model.backend(), model.scores(tape, input, {}).value());
  };
  std::vector<std::vector<std::vector<double>>> result(pieces.size());
  for (std::size_t begin = 0; begin < order.size();) {
    const std::size_t count = std::min(static_cast<std::size_t>(batch_size), order.size() - begin);
    const auto which = std::span(order).subspan(begin, count);
    const std::vector<double> scores = with_room(
        message("classifying ", count, " pieces at once"), static_cast<std::int64_t>(count),
        [&](std::int64_t rows) { return scores_of(which.first(static_cast<std::size_t>(rows))); });
    for (std::size_t b = 0; b < count; ++b) {
      const std::size_t steps = every_step ? pieces[which[b]].size() : 1;
      for (std::size_t t = 0; t < steps; ++t) {
        result[which[b]].push_back(
            log_softmax(std::span(scores).subspan((t * count + b) * classes, classes)));
      }
    }
    begin += count;
  }
  return result;
}

std::vector<std::vector<double>> classify(Classifier& model, std::span<const Sequence> pieces,
                                          int batch_size) {
  std::vector<std::vector<double>> result;
  for (const auto& steps : log_shares(model, pieces, batch_size)) {
    std::vector<double>& shares = result.emplace_back(steps.front().size(), 0.0);
    for (const std::vector<double>& step : steps) {
      for (std::size_t c = 0; c < shares.size(); ++c) {
        shares[c] += std::exp(step[c]) / static_cast<double>(steps.size());
      }
    }
  }
  return result;
}

}  // namespace cadenza
