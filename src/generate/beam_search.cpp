// SPDX-License-Identifier: Apache-2.0
#include "generate/beam_search.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace cadenza {

BeamSearch::BeamSearch(int beam, std::int32_t end_token, std::int64_t num_steps)
    : beam_(static_cast<std::size_t>(beam)),
      end_token_(end_token),
      steps_left_(num_steps),
      rows_(beam_ + (beam_ > 1 ? 1 : 0)) {
  best_.log_probability = -std::numeric_limits<double>::infinity();
  rows_.front().live = true;
  rows_.back().live = true;
  rows_.back().from = static_cast<std::int32_t>(rows_.size()) - 1;
}

std::int32_t BeamSearch::token(std::size_t i) const {
  return rows_[i].tokens.empty() ? -1 : rows_[i].tokens.back();
}

/// The likeliest continuations of the beam: enough to fill it again.
std::vector<BeamSearch::Candidate> BeamSearch::ranked(
    std::span<const double> log_probabilities) const {
  const std::size_t width = static_cast<std::size_t>(end_token_) + 1;
  std::vector<Candidate> candidates;
  for (std::size_t r = 0; r < beam_; ++r) {
    if (!rows_[r].live) continue;
    for (std::size_t token = 0; token < width; ++token) {
      candidates.push_back({rows_[r].log_probability + log_probabilities[r * width + token],
                            static_cast<std::int32_t>(r), static_cast<std::int32_t>(token)});
    }
  }
  // Each row can end once, so twice the beam holds a beam of those that go on.
  const std::size_t count = std::min(2 * beam_, candidates.size());
  const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(candidates.begin(), middle, candidates.end(),
                    [](const Candidate& a, const Candidate& b) {
                      return std::tuple(-a.log_probability, a.row, a.token) <
                             std::tuple(-b.log_probability, b.row, b.token);
                    });
  candidates.resize(count);
  return candidates;
}

void BeamSearch::propose(const Row& row, bool ended) {
  if (row.log_probability <= best_.log_probability) return;
  best_.sequence.tokens = row.tokens;
  best_.log_probability = row.log_probability;
  best_.ended = ended;
}

void BeamSearch::advance_beam(std::span<const double> log_probabilities) {
  std::vector<Row> next;
  for (const Candidate& candidate : ranked(log_probabilities)) {
    if (next.size() == beam_) break;
    Row row = rows_[static_cast<std::size_t>(candidate.row)];
    row.log_probability = candidate.log_probability;
    row.from = candidate.row;
    if (candidate.token == end_token_) {
      propose(row, true);
      continue;
    }
    row.tokens.push_back(candidate.token);
    next.push_back(std::move(row));
  }
  next.resize(beam_);
  std::move(next.begin(), next.end(), rows_.begin());
}

void BeamSearch::advance_greedy(std::span<const double> log_probabilities) {
  Row& row = rows_.back();
  if (beam_ == 1 || !row.live) return;
  const auto mine = log_probabilities.last(static_cast<std::size_t>(end_token_) + 1);
  const auto best = std::max_element(mine.begin(), mine.end());
  row.log_probability += *best;
  const auto token = static_cast<std::int32_t>(best - mine.begin());
  row.live = token != end_token_;
  if (row.live) {
    row.tokens.push_back(token);
  } else {
    propose(row, true);
  }
}

void BeamSearch::advance(std::span<const double> log_probabilities) {
  if (done_) return;
  advance_beam(log_probabilities);
  advance_greedy(log_probabilities);
  // Nothing becomes likelier by going on.
  done_ = std::none_of(rows_.begin(), rows_.end(), [this](const Row& row) {
    return row.live && row.log_probability > best_.log_probability;
  });
  if (done_ || --steps_left_ > 0) return;
  done_ = true;
  for (const Row& row : rows_) {
    if (row.live) propose(row, false);
  }
}

}  // namespace cadenza
