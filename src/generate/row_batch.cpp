// SPDX-License-Identifier: Apache-2.0
#include "generate/row_batch.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "generate/host_arrays.h"

namespace cadenza {
namespace {

bool uses_penalties(const SamplingParams& params) {
  return params.repetition_penalty != 1.0 || params.frequency_penalty != 0.0 ||
         params.presence_penalty != 0.0;
}

// `values` once for each of `rows` rows.
template <typename T>
std::vector<T> repeat(const std::vector<T>& values, std::int64_t rows) {
  std::vector<T> all;
  for (std::int64_t row = 0; row < rows; ++row) all.insert(all.end(), values.begin(), values.end());
  return all;
}

}  // namespace

RowBatch::RowBatch(const LanguageModel& model, const GenerationNetwork& network,
                   const GenerationRequest& request, const PrimedState& primed,
                   std::int64_t first_row, std::int64_t rows, std::optional<std::int32_t> end_token)
    : model_(model),
      backend_(model.backend()),
      request_(request),
      first_row_(first_row),
      rows_(rows),
      tokens_(model.config().step_kind() == StepKind::token),
      network_(network),
      states_(primed.broadcast(rows)),
      position_(static_cast<std::int64_t>(request.primer.size())),
      params_(backend_, {rows, sizeof(RowSampling)}, DType::u8),
      sequences_(backend_, {rows}, DType::i64),
      steps_(backend_, {rows}, DType::i32),
      finished_(tokens_ ? Tensor(backend_, {rows}, DType::i32) : Tensor()),
      end_token_(end_token.value_or(-1)),
      results_(static_cast<std::size_t>(rows)) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows));
  std::iota(numbers.begin(), numbers.end(), request.first_sequence + first_row);
  put(backend_, numbers, sequences_);
  put(backend_,
      std::vector<std::int32_t>(results_.size(), static_cast<std::int32_t>(request.first_step)),
      steps_);
  for (std::size_t b = 0; b < results_.size(); ++b) {
    results_[b].number = numbers[b];
    results_[b].sequence = request.primer;
  }
  set_params();
  set_input();
  set_bias();
  set_allowed();
  set_window();
}

std::vector<Generated> RowBatch::run(const std::function<void(std::int64_t)>& report) {
  for (std::int64_t done = 0; done < request_.num_steps && !all_finished();) {
    const std::int64_t count = std::min(kChunk, request_.num_steps - done);
    generate(count);
    done += count;
    report(count);
  }
  return std::move(results_);
}

void RowBatch::set_params() {
  std::vector<RowSampling> packed;
  for (std::int64_t row = 0; row < rows_; ++row) {
    const bool shared = request_.sampling.size() == 1;
    packed.push_back(
        pack(request_.sampling[shared ? 0 : static_cast<std::size_t>(first_row_ + row)]));
  }
  put(backend_, packed, params_);
}

void RowBatch::set_input() {
  if (tokens_) {
    const auto& primer = request_.primer.tokens;
    input_ = Tensor(backend_, {rows_}, DType::i32);
    put(backend_, repeat<std::int32_t>({primer.empty() ? -1 : primer.back()}, rows_), input_);
    return;
  }
  const auto& primer = request_.primer.frames;
  input_ = Tensor(backend_, {rows_, model_.config().width}, DType::f32);
  put(backend_, repeat(to_floats(primer.empty() ? Frame() : primer.back()), rows_), input_);
}

void RowBatch::set_bias() {
  if (request_.bias.empty()) return;
  bias_ = Tensor(backend_, {model_.config().width}, DType::f32);
  put(backend_, request_.bias, bias_);
}

void RowBatch::set_allowed() {
  if (request_.allowed.empty()) return;
  const std::int64_t words = (model_.config().width + 31) / 32;
  std::vector<std::uint32_t> mask(static_cast<std::size_t>(words), 0);
  for (std::size_t i = 0; i < request_.allowed.size(); ++i) {
    if (request_.allowed[i]) mask[i >> 5] |= 1U << (i & 31);
  }
  allowed_ = Tensor(backend_, {rows_, words}, DType::i32);
  put(backend_, repeat(mask, rows_), allowed_);
}

void RowBatch::set_window() {
  if (std::none_of(request_.sampling.begin(), request_.sampling.end(), uses_penalties)) return;
  const auto& primer = request_.primer.tokens;
  const auto size = static_cast<std::size_t>(request_.penalty_window);
  const auto known = static_cast<std::ptrdiff_t>(std::min(size, primer.size()));
  std::vector<std::int32_t> window(size, -1);
  std::copy(primer.end() - known, primer.end(), window.end() - known);
  window_ = Tensor(backend_, {rows_, request_.penalty_window}, DType::i32);
  put(backend_, repeat(window, rows_), window_);
}

bool RowBatch::all_finished() const {
  if (end_token_ < 0) return false;
  const auto flags = get<std::int32_t>(backend_, finished_);
  return std::all_of(flags.begin(), flags.end(), [](std::int32_t flag) { return flag != 0; });
}

void RowBatch::generate(std::int64_t count) {
  const std::int64_t width = model_.config().width;
  const Tensor log_probability(backend_, {count, rows_}, DType::f32);
  const Tensor tokens = tokens_ ? Tensor(backend_, {count, rows_}, DType::i32) : Tensor();
  const Tensor frames = tokens_ ? Tensor() : Tensor(backend_, {count, rows_, width}, DType::f32);
  GenerateArgs args = {
      .network = &network_,
      .position = position_,
      .memory = states_.memory,
      .history = states_.history,
      .input = input_,
      .rows = {.seed = request_.seed, .params = params_, .sequences = sequences_, .steps = steps_},
      .bias = bias_,
      .allowed = allowed_,
      .window = window_,
      .end_token = end_token_,
      .finished = finished_,
      .tokens = tokens,
      .frames = frames,
      .log_probability = log_probability};
  for (const Tensor& state : states_.layers) args.states.push_back(state);
  backend_.generate(args);
  position_ += count;
  const auto log_p = get<float>(backend_, log_probability);
  if (tokens_) {
    collect_tokens(get<std::int32_t>(backend_, tokens), log_p);
  } else {
    collect_frames(get<float>(backend_, frames), log_p);
  }
}

void RowBatch::collect_tokens(const std::vector<std::int32_t>& tokens,
                              const std::vector<float>& log_p) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0) continue;
    Generated& result = results_[i % results_.size()];
    result.sequence.tokens.push_back(tokens[i]);
    result.log_probability += static_cast<double>(log_p[i]);
  }
}

void RowBatch::collect_frames(const std::vector<float>& keys, const std::vector<float>& log_p) {
  for (std::size_t i = 0; i < log_p.size(); ++i) {
    Frame frame;
    for (std::size_t key = 0; key < frame.size(); ++key) {
      frame[key] = keys[i * frame.size() + key] != 0.0F;
    }
    Generated& result = results_[i % results_.size()];
    result.sequence.frames.push_back(frame);
    result.log_probability += static_cast<double>(log_p[i]);
  }
}

}  // namespace cadenza
