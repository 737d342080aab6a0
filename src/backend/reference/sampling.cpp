// SPDX-License-Identifier: Apache-2.0
#include "cadenza/sampling.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/reference/loops.h"
#include "backend/reference/reference_backend.h"
#include "cadenza/view.h"

namespace cadenza {
namespace {

/// Row `b` of a [B, N] array; empty if that is absent.
template <typename T>
std::span<const T> row_of(const TensorView& view, std::int64_t b) {
  if (view.empty()) return {};
  const auto width = static_cast<std::size_t>(view.shape[1]);
  return {static_cast<const T*>(view.data) + static_cast<std::size_t>(b) * width, width};
}

/// Where row b draws from.
struct Address {
  RowSampling params;
  std::uint64_t seed = 0;
  std::uint64_t sequence = 0;
  std::uint32_t step = 0;

  Address(const DrawRows& rows, std::int64_t b) : seed(rows.seed) {
    std::memcpy(&params, rows.params.at(b).data, sizeof(params));
    sequence = static_cast<std::uint64_t>(rows.sequences.as<std::int64_t>()[b]);
    step = static_cast<std::uint32_t>(rows.steps.as<std::int32_t>()[b]);
  }

  bool draws(float logit, std::int64_t key) const {
    return sample_key(logit, params.inverse_temperature, seed, sequence, step,
                      static_cast<std::uint32_t>(key));
  }
};

double log_probability_of(bool on, float logit) {
  return -reference::softplus(on ? -static_cast<double>(logit) : static_cast<double>(logit));
}

}  // namespace

void ReferenceBackend::draw_rows(std::span<const SampleRow> rows, std::span<SampleResult> results) {
  std::transform(rows.begin(), rows.end(), results.begin(), sample_row);
}

void ReferenceBackend::do_sample_tokens(const SampleTokensArgs& args) {
  const auto batch = static_cast<std::size_t>(args.logits.shape[0]);
  std::vector<SampleRow> rows(batch);
  for (std::size_t i = 0; i < batch; ++i) {
    const auto b = static_cast<std::int64_t>(i);
    const Address address(args.rows, b);
    SampleRow& row = rows[i];
    row.logits = row_of<float>(args.logits, b);
    if (!args.bias.empty()) {
      row.bias = {args.bias.as<float>(), static_cast<std::size_t>(args.bias.count())};
    }
    row.allowed = row_of<std::uint32_t>(args.allowed, b);
    row.window = row_of<std::int32_t>(args.window, b);
    row.params = address.params;
    row.seed = address.seed;
    row.sequence = address.sequence;
    row.step = address.step;
    row.scores =
        !args.log_probability.empty() || !args.raw_log_probability.empty() || !args.entropy.empty();
  }
  std::vector<SampleResult> results(batch);
  draw_rows(rows, results);
  const auto store = [](const TensorView& to, std::size_t i, auto value) {
    if (!to.empty()) to.as<decltype(value)>()[i] = value;
  };
  for (std::size_t i = 0; i < batch; ++i) {
    store(args.tokens, i, results[i].token);
    store(args.log_probability, i, results[i].log_probability);
    store(args.raw_log_probability, i, results[i].raw_log_probability);
    store(args.entropy, i, results[i].entropy);
    store(args.status, i, static_cast<std::int32_t>(results[i].status));
  }
}

void reference::sample_keys(const SampleKeysArgs& args) {
  const View<const float, 2> logits(args.logits);
  const View<float, 2> keys(args.keys);
  const View<float, 1> log_probability(args.log_probability);
  for (std::int64_t b = 0; b < logits.extent(0); ++b) {
    const Address address(args.rows, b);
    double sum = 0.0;
    for (std::int64_t d = 0; d < logits.extent(1); ++d) {
      const bool on = address.draws(logits(b, d), d);
      keys(b, d) = on ? 1.0F : 0.0F;
      sum += log_probability_of(on, logits(b, d));
    }
    if (log_probability) log_probability(b) = static_cast<float>(sum);
  }
}

void ReferenceBackend::do_sample_keys(const SampleKeysArgs& args) { reference::sample_keys(args); }

void ReferenceBackend::do_sample_nade(const SampleNadeArgs& args) {
  const View<const float, 2> visible_bias(args.visible_bias);
  const View<const float, 2> w(args.w);
  const View<const float, 2> u(args.u);
  const View<float, 2> keys(args.keys);
  const View<float, 1> log_probability(args.log_probability);
  const std::int64_t units = w.extent(1);
  std::vector<double> hidden(static_cast<std::size_t>(units));
  for (std::int64_t b = 0; b < keys.extent(0); ++b) {
    const Address address(args.rows, b);
    const std::span<const float> bias = row_of<float>(args.hidden_bias, b);
    std::vector<double> sums(bias.begin(), bias.end());
    double sum = 0.0;
    for (std::int64_t d = 0; d < keys.extent(1); ++d) {
      std::transform(sums.begin(), sums.end(), hidden.begin(), reference::sigmoid);
      const auto logit =
          static_cast<float>(static_cast<double>(visible_bias(b, d)) +
                             reference::dot(u.data() + d * units, hidden.data(), units));
      const bool on = address.draws(logit, d);
      keys(b, d) = on ? 1.0F : 0.0F;
      sum += log_probability_of(on, logit);
      if (on) reference::add_multiple(1.0, w.data() + d * units, sums.data(), units);
    }
    if (log_probability) log_probability(b) = static_cast<float>(sum);
  }
}

}  // namespace cadenza
