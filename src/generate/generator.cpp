// SPDX-License-Identifier: Apache-2.0
#include "cadenza/generator.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "cadenza/error.h"
#include "core/largest_that_fits.h"
#include "generate/conditioned_network.h"
#include "generate/primed_state.h"
#include "generate/row_batch.h"

namespace cadenza {
namespace {

void check_value(const Condition& condition, const ConditionValue& value) {
  if (condition.kind != ConditionKind::histogram) {
    check(value.number >= 0 && value.number < condition.values, "generate: condition ",
          name_of(condition.kind), " is ", value.number, ", expected 0 to ", condition.values - 1);
    return;
  }
  constexpr double kRounding = 1e-3;
  double sum = 0.0;
  bool negative = false;
  for (const float share : value.shares) {
    sum += static_cast<double>(share);
    negative = negative || !(share >= 0.0F);
  }
  check(value.shares.size() == static_cast<std::size_t>(condition.values) && !negative &&
            std::abs(sum - 1.0) < kRounding,
        "generate: condition histogram is ", value.shares.size(), " shares that sum to ", sum,
        ", expected ", condition.values, " from 0 that sum to 1");
}

void check_conditions(const GenerationRequest& request, const LanguageModelConfig& config) {
  check(request.conditions.size() == config.conditions.size(),
        "generate: ", request.conditions.size(), " conditions are given, the model has ",
        config.conditions.size());
  for (std::size_t i = 0; i < config.conditions.size(); ++i) {
    check_value(config.conditions[i], request.conditions[i]);
  }
}

void check_request(const GenerationRequest& request, const LanguageModelConfig& config) {
  const auto vocabulary = static_cast<std::size_t>(config.width);
  check(request.num_outputs >= 1, "generate: num_outputs is ", request.num_outputs,
        ", expected at least 1");
  check(request.num_steps >= 1, "generate: num_steps is ", request.num_steps,
        ", expected at least 1");
  check(request.first_step >= 0 && request.first_step < (std::int64_t{1} << 31) - request.num_steps,
        "generate: first_step is ", request.first_step, ", expected 0 to 2^31 less num_steps");
  check(request.first_sequence >= 0, "generate: first_sequence is ", request.first_sequence,
        ", expected at least 0");
  check(request.batch_size >= 1, "generate: batch_size is ", request.batch_size,
        ", expected at least 1");
  check(request.penalty_window >= 1, "generate: penalty_window is ", request.penalty_window,
        ", expected at least 1");
  check_conditions(request, config);
  check(request.sampling.size() == 1 ||
            static_cast<std::int64_t>(request.sampling.size()) == request.num_outputs,
        "generate: ", request.sampling.size(), " sampling settings for ", request.num_outputs,
        " outputs, expected one, or one each");
  check(request.bias.empty() || request.bias.size() == vocabulary, "generate: bias has ",
        request.bias.size(), " entries, expected ", vocabulary);
  check(request.allowed.empty() || request.allowed.size() == vocabulary, "generate: allowed has ",
        request.allowed.size(), " entries, expected ", vocabulary);
  const bool tokens = config.step_kind() == StepKind::token;
  check((tokens ? request.primer.frames.empty() : request.primer.tokens.empty()),
        "generate: the primer is made of ", tokens ? "frames" : "tokens", ", the model of ",
        tokens ? "tokens" : "frames");
  for (const std::int32_t id : request.primer.tokens) {
    check(id >= 0 && id < config.width, "generate: the primer holds token ", id,
          ", the vocabulary is 0 to ", config.width - 1);
  }
}

/// As if `rows` sequences were generated at once, to see whether there is room for them.
void try_rows(const LanguageModel& model, const GenerationNetwork& network,
              GenerationRequest request, const PrimedState& primed, std::int64_t rows) {
  request.num_steps = std::min(request.num_steps, RowBatch::kChunk);
  RowBatch(model, network, request, primed, 0, rows, std::nullopt).run([](std::int64_t) {});
}

}  // namespace

GenerationPlan Generator::plan(const GenerationRequest& request) const {
  check_conditions(request, model_->config());
  const ConditionedNetwork network(*model_, request.conditions);
  return model_->backend().plan_generation(network.view(),
                                           std::min(request.batch_size, request.num_outputs));
}

std::vector<Generated> Generator::run(
    const GenerationRequest& request,
    const std::function<void(std::int64_t, std::int64_t)>& progress) const {
  check_request(request, model_->config());
  const ConditionedNetwork conditioned(*model_, request.conditions);
  GenerationNetwork network = conditioned.view();
  network.prepared = model_->backend().prepare_generation(network);
  const PrimedState primed(*model_, network, request.primer);
  std::vector<Generated> results;
  std::int64_t done = 0;
  const std::int64_t total = request.num_outputs * request.num_steps;
  for (std::int64_t first = 0; first < request.num_outputs; first += request.batch_size) {
    const std::int64_t rows = std::min(request.batch_size, request.num_outputs - first);
    std::vector<Generated> some = with_room(
        message("generating ", rows, " sequences at once"), rows,
        [&] {
          RowBatch batch(*model_, network, request, primed, first, rows, tokenizer_->end_token());
          return batch.run([&](std::int64_t steps) {
            done += steps * rows;
            if (progress) progress(done, total);
          });
        },
        [&](std::int64_t fewer) { try_rows(*model_, network, request, primed, fewer); });
    std::move(some.begin(), some.end(), std::back_inserter(results));
  }
  return results;
}

}  // namespace cadenza
