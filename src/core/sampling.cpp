// SPDX-License-Identifier: Apache-2.0
#include "cadenza/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cadenza/error.h"
#include "core/draw.h"
#include "core/sampling_check.h"

namespace cadenza {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Candidate {
  float x;
  std::int32_t token;
  float d = 0.0F;            // x - max x
  std::uint64_t weight = 0;  // floor(2^40 e^d)
};

struct Mass {
  std::uint64_t total = 0;
  std::uint64_t surprise = 0;
};

/// Ratios become integers of 2^-32, rounded up so that a positive share stays positive.
std::uint64_t pack_share(double p) {
  return p < 1.0 ? static_cast<std::uint64_t>(std::ceil(p * 0x1p32)) : 0;
}

bool is_allowed(const SampleRow& row, std::size_t token) {
  return row.allowed.empty() || (row.allowed[token >> 5] >> (token & 31) & 1U) != 0;
}

std::vector<std::uint32_t> count_window(const SampleRow& row) {
  std::vector<std::uint32_t> counts(row.logits.size());
  for (const std::int32_t token : row.window) {
    if (token >= 0 && static_cast<std::size_t>(token) < counts.size())
      ++counts[static_cast<std::size_t>(token)];
  }
  return counts;
}

/// Where a row holds +inf, only those tokens are left, and they are equal.
void resolve_infinite(std::vector<Candidate>& candidates) {
  std::erase_if(candidates, [](const Candidate& c) { return c.x != kInfinity; });
  for (Candidate& c : candidates) c.x = 0.0F;
}

/// Step 1, in the order of ids.
std::vector<Candidate> process(const SampleRow& row, std::uint32_t& status) {
  const std::vector<std::uint32_t> counts = count_window(row);
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < row.logits.size(); ++i) {
    if (!is_allowed(row, i)) continue;
    float y = row.logits[i];
    if (!row.bias.empty()) y = exact_add(y, row.bias[i]);
    if (counts[i] > 0) y = draw::penalize(y, counts[i], row.params);
    const float x = row.params.greedy != 0 ? y : draw::temper(y, row.params.inverse_temperature);
    if (std::isnan(x)) status |= kSampleNan;
    if (x == kInfinity) status |= kSampleInfinite;
    if (x > -kInfinity) candidates.push_back({.x = x, .token = static_cast<std::int32_t>(i)});
  }
  if ((status & kSampleInfinite) != 0) resolve_infinite(candidates);
  return candidates;
}

/// Sorts by rank: x descending, then id ascending; fills in d and the weights.
void rank(std::vector<Candidate>& candidates) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.x > b.x; });
  const float maximum = candidates.front().x;
  for (Candidate& c : candidates) {
    c.d = exact_add(c.x, -maximum);
    c.weight = draw::weight(c.d);
  }
}

Mass mass_of(const std::vector<Candidate>& candidates) {
  Mass mass;
  for (const Candidate& c : candidates) {
    mass.total += c.weight;
    mass.surprise += draw::surprise(c.weight, c.d);
  }
  return mass;
}

/// Keeps the shortest prefix that holds `share` of the mass.
void keep_mass(std::vector<Candidate>& candidates, std::uint64_t share) {
  const std::uint64_t limit = draw::mass_limit(share, mass_of(candidates).total);
  std::uint64_t above = 0;
  std::size_t kept = 0;
  while (kept < candidates.size() && above < limit) above += candidates[kept++].weight;
  candidates.resize(kept);
}

void keep_typical(std::vector<Candidate>& candidates, std::uint64_t share) {
  const Mass mass = mass_of(candidates);
  const float mean = draw::mean_surprise(mass.surprise, mass.total);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [mean](const Candidate& a, const Candidate& b) {
                     return draw::atypicality(a.d, mean) < draw::atypicality(b.d, mean);
                   });
  keep_mass(candidates, share);
}

/// Steps 5 and 6 on ranked candidates.
void filter(std::vector<Candidate>& candidates, const RowSampling& params) {
  if (params.top_k > 0 && candidates.size() > static_cast<std::size_t>(params.top_k)) {
    candidates.resize(static_cast<std::size_t>(params.top_k));
  }
  if (params.top_p != 0) keep_mass(candidates, params.top_p);
  if (params.has_min_p != 0) {
    const float lowest = exact_add(candidates.front().x, params.log_min_p);
    std::erase_if(candidates, [lowest](const Candidate& c) { return c.x < lowest; });
  }
  if (params.typical_p != 0) keep_typical(candidates, params.typical_p);
}

/// Steps 3 and 4. On equal scores the lower id wins.
Candidate draw_one(const std::vector<Candidate>& candidates, const SampleRow& row) {
  const draw::NoiseKey key = {row.seed, row.sequence, row.step};
  Candidate winner = candidates.front();
  float best = -kInfinity;
  for (const Candidate& c : candidates) {
    const float score = exact_add(c.x, draw::token_noise(key, static_cast<std::uint32_t>(c.token)));
    if (score > best || (score == best && c.token < winner.token)) {
      best = score;
      winner = c;
    }
  }
  return winner;
}

float raw_log_probability(std::span<const float> logits, std::int32_t token) {
  std::vector<Candidate> candidates;
  bool infinite = false;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    infinite = infinite || logits[i] == kInfinity;
    if (logits[i] > -kInfinity) {
      candidates.push_back({.x = logits[i], .token = static_cast<std::int32_t>(i)});
    }
  }
  if (infinite) resolve_infinite(candidates);
  const auto found = std::find_if(candidates.begin(), candidates.end(),
                                  [token](const Candidate& c) { return c.token == token; });
  if (found == candidates.end()) return -kInfinity;
  const float x = found->x;
  rank(candidates);
  return draw::log_probability(exact_add(x, -candidates.front().x), mass_of(candidates).total);
}

}  // namespace

void check_sample_row(const SampleRow& row) {
  const std::size_t size = row.logits.size();
  check(size > 0 && size <= kMaxSampleVocabulary, "sample_row: logits has ", size,
        " elements, expected 1 to ", kMaxSampleVocabulary);
  check(row.bias.empty() || row.bias.size() == size, "sample_row: bias has ", row.bias.size(),
        " elements, expected ", size, " or none");
  check(row.allowed.empty() || row.allowed.size() >= (size + 31) / 32, "sample_row: allowed has ",
        row.allowed.size(), " words, expected ", (size + 31) / 32, " or none");
  check(row.fallback >= 0 && static_cast<std::size_t>(row.fallback) < size,
        "sample_row: fallback is ", row.fallback, ", expected a token below ", size);
}

RowSampling pack(const SamplingParams& params) {
  const auto positive = [](float value) { return value > 0.0F && std::isfinite(value); };
  check(params.temperature >= 0.0, "temperature is ", params.temperature, ", expected >= 0");
  check(params.top_p > 0.0, "top_p is ", params.top_p, ", expected > 0");
  check(params.typical_p > 0.0, "typical_p is ", params.typical_p, ", expected > 0");
  check(params.min_p >= 0.0 && params.min_p <= 1.0, "min_p is ", params.min_p, ", expected 0 to 1");
  RowSampling row;
  row.inverse_temperature =
      params.temperature < 0x1p-64 ? kInfinity : static_cast<float>(1.0 / params.temperature);
  row.repetition_penalty = static_cast<float>(params.repetition_penalty);
  row.frequency_penalty = static_cast<float>(params.frequency_penalty);
  row.presence_penalty = static_cast<float>(params.presence_penalty);
  check(positive(row.repetition_penalty), "repetition_penalty is ", params.repetition_penalty,
        ", expected > 0 and finite");
  check(std::isfinite(row.frequency_penalty), "frequency_penalty is ", params.frequency_penalty,
        ", expected a finite number");
  check(std::isfinite(row.presence_penalty), "presence_penalty is ", params.presence_penalty,
        ", expected a finite number");
  row.top_k = std::max(params.top_k, 0);
  row.top_p = pack_share(params.top_p);
  row.typical_p = pack_share(params.typical_p);
  const auto min_p = static_cast<float>(params.min_p);
  row.has_min_p = min_p > 0.0F ? 1 : 0;
  row.log_min_p = row.has_min_p != 0 ? exact_log(min_p) : 0.0F;
  row.greedy = row.inverse_temperature == kInfinity || row.top_k == 1 ? 1 : 0;
  return row;
}

SampleResult sample_row(const SampleRow& row) {
  check_sample_row(row);
  SampleResult result;
  result.token = row.fallback;
  std::vector<Candidate> candidates = process(row, result.status);
  if (candidates.empty()) {
    result.status |= kSampleAllMasked;
  } else {
    rank(candidates);
    if (row.params.greedy != 0) {
      candidates.resize(1);
    } else {
      filter(candidates, row.params);
    }
    const Candidate winner =
        row.params.greedy != 0 ? candidates.front() : draw_one(candidates, row);
    result.token = winner.token;
    if (!row.scores) return result;
    const Mass mass = mass_of(candidates);
    result.log_probability = draw::log_probability(winner.d, mass.total);
    result.entropy = draw::entropy(mass.surprise, mass.total);
  }
  if (row.scores) result.raw_log_probability = raw_log_probability(row.logits, result.token);
  return result;
}

bool sample_key(float logit, float inverse_temperature, std::uint64_t seed, std::uint64_t sequence,
                std::uint32_t step, std::uint32_t key) {
  const draw::NoiseKey noise = {seed, sequence, step};
  return draw::key_is_on(logit, inverse_temperature, noise, key, draw::key_word(noise, key));
}

}  // namespace cadenza
