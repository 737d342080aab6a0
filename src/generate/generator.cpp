// SPDX-License-Identifier: Apache-2.0
#include "cadenza/generator.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "cadenza/error.h"

namespace cadenza {
namespace {

// Steps computed between two reports of progress and two looks at whether every row has ended.
constexpr std::int64_t kChunk = 64;

template <typename T>
void put(Backend& backend, const std::vector<T>& values, const TensorView& to) {
  backend.upload(std::as_bytes(std::span(values)), to);
}

template <typename T>
std::vector<T> get(Backend& backend, const TensorView& from) {
  std::vector<T> values(static_cast<std::size_t>(from.count()));
  backend.download(from, std::as_writable_bytes(std::span(values)));
  return values;
}

bool uses_penalties(const SamplingParams& params) {
  return params.repetition_penalty != 1.0 || params.frequency_penalty != 0.0 ||
         params.presence_penalty != 0.0;
}

std::vector<float> to_floats(const Frame& frame) {
  std::vector<float> keys(frame.size());
  for (std::size_t i = 0; i < frame.size(); ++i) keys[i] = frame[i] ? 1.0F : 0.0F;
  return keys;
}

void check_request(const GenerationRequest& request, const LanguageModelConfig& config) {
  const auto vocabulary = static_cast<std::size_t>(config.width);
  check(request.num_outputs >= 1, "generate: num_outputs is ", request.num_outputs,
        ", expected at least 1");
  check(request.num_steps >= 1, "generate: num_steps is ", request.num_steps,
        ", expected at least 1");
  check(request.first_sequence >= 0, "generate: first_sequence is ", request.first_sequence,
        ", expected at least 0");
  check(request.batch_size >= 1, "generate: batch_size is ", request.batch_size,
        ", expected at least 1");
  check(request.penalty_window >= 1, "generate: penalty_window is ", request.penalty_window,
        ", expected at least 1");
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

// The recurrent state after the primer, one row; its last step is left for the first draw to read.
class PrimedState {
 public:
  PrimedState(const LanguageModel& model, const Sequence& primer)
      : model_(model), backend_(model.backend()), state_(model.make_state(1)) {
    const LanguageModelConfig& config = model.config();
    const bool tokens = config.step_kind() == StepKind::token;
    const auto steps = static_cast<std::int64_t>(primer.size());
    const std::int64_t width = config.embedding > 0 ? config.embedding : config.width;
    const Tensor ids(backend_, {1}, DType::i32);
    const Tensor features(backend_, {1, width}, DType::f32);
    for (std::int64_t t = 0; t < steps; ++t) {
      // The model predicts step t from step t - 1, and the first from nothing.
      if (tokens) {
        put<std::int32_t>(backend_, {t > 0 ? primer.tokens[static_cast<std::size_t>(t - 1)] : -1},
                          ids);
      } else {
        put(backend_, to_floats(t > 0 ? primer.frames[static_cast<std::size_t>(t - 1)] : Frame()),
            features);
      }
      advance(tokens ? ids.view() : features.view(), features);
    }
  }

  // The same state in every one of `rows` rows.
  std::vector<Tensor> broadcast(std::int64_t rows) const {
    std::vector<Tensor> wide = model_.make_state(rows);
    for (std::size_t layer = 0; layer < wide.size(); ++layer) {
      const auto one = get<float>(backend_, state_[layer]);
      const auto hidden = static_cast<std::size_t>(state_[layer].view().shape[2]);
      std::vector<float> all;
      for (std::size_t s = 0; s * hidden < one.size(); ++s) {
        for (std::int64_t row = 0; row < rows; ++row) {
          const auto begin = one.begin() + static_cast<std::ptrdiff_t>(s * hidden);
          all.insert(all.end(), begin, begin + static_cast<std::ptrdiff_t>(hidden));
        }
      }
      put(backend_, all, wide[layer]);
    }
    return wide;
  }

 private:
  void advance(const TensorView& input, const TensorView& embedded) {
    const GenerationNetwork network = model_.network();
    TensorView x = input;
    if (!network.embedding.empty()) {
      backend_.embedding({.ids = input, .table = network.embedding, .y = embedded});
      x = embedded;
    }
    for (std::size_t layer = 0; layer < state_.size(); ++layer) {
      const RecurrentWeights& weights = network.layers[layer];
      const RecurrentSpec spec = {
          .cell = network.cell, .input = weights.w_ih.shape[1], .hidden = weights.w_hh.shape[1]};
      backend_.recurrent_step(spec, {.x = x, .state = state_[layer], .weights = weights});
      x = state_[layer].view().at(0);
    }
  }

  const LanguageModel& model_;
  Backend& backend_;
  std::vector<Tensor> state_;
};

// One batch of rows on its way through all steps.
class RowBatch {
 public:
  RowBatch(const LanguageModel& model, const GenerationRequest& request, const PrimedState& primed,
           std::int64_t first_row, std::int64_t rows, std::optional<std::int32_t> end_token)
      : model_(model),
        backend_(model.backend()),
        request_(request),
        first_row_(first_row),
        rows_(rows),
        tokens_(model.config().step_kind() == StepKind::token),
        network_(model.network()),
        states_(primed.broadcast(rows)),
        params_(backend_, {rows, sizeof(RowSampling)}, DType::u8),
        sequences_(backend_, {rows}, DType::i64),
        steps_(backend_, {rows}, DType::i32),
        finished_(tokens_ ? Tensor(backend_, {rows}, DType::i32) : Tensor()),
        end_token_(end_token.value_or(-1)),
        results_(static_cast<std::size_t>(rows)) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows));
    std::iota(numbers.begin(), numbers.end(), request.first_sequence + first_row);
    put(backend_, numbers, sequences_);
    for (std::size_t b = 0; b < results_.size(); ++b) {
      results_[b].number = numbers[b];
      results_[b].sequence = request.primer;
    }
    set_params();
    set_input();
    set_constraints();
  }

  // Generates everything; `report(steps)` after each chunk with the steps done in it.
  std::vector<Generated> run(const std::function<void(std::int64_t)>& report) {
    for (std::int64_t done = 0; done < request_.num_steps && !all_finished();) {
      const std::int64_t count = std::min(kChunk, request_.num_steps - done);
      generate(count);
      done += count;
      report(count);
    }
    return std::move(results_);
  }

 private:
  const SamplingParams& sampling(std::int64_t row) const {
    const bool shared = request_.sampling.size() == 1;
    return request_.sampling[shared ? 0 : static_cast<std::size_t>(first_row_ + row)];
  }

  void set_params() {
    std::vector<RowSampling> packed;
    for (std::int64_t row = 0; row < rows_; ++row) packed.push_back(pack(sampling(row)));
    backend_.upload(std::as_bytes(std::span(packed)), params_);
  }

  void set_input() {
    const auto rows = static_cast<std::size_t>(rows_);
    if (tokens_) {
      const auto& primer = request_.primer.tokens;
      input_ = Tensor(backend_, {rows_}, DType::i32);
      put(backend_, std::vector<std::int32_t>(rows, primer.empty() ? -1 : primer.back()), input_);
      return;
    }
    const auto& primer = request_.primer.frames;
    input_ = Tensor(backend_, {rows_, model_.config().width}, DType::f32);
    const std::vector<float> keys = to_floats(primer.empty() ? Frame() : primer.back());
    std::vector<float> all;
    for (std::size_t row = 0; row < rows; ++row) all.insert(all.end(), keys.begin(), keys.end());
    put(backend_, all, input_);
  }

  void set_constraints() {
    const std::int64_t width = model_.config().width;
    if (!request_.bias.empty()) {
      bias_ = Tensor(backend_, {width}, DType::f32);
      put(backend_, request_.bias, bias_);
    }
    if (!request_.allowed.empty()) {
      const std::int64_t words = (width + 31) / 32;
      std::vector<std::uint32_t> mask(static_cast<std::size_t>(words * rows_), 0);
      for (std::size_t i = 0; i < mask.size(); ++i) {
        const std::size_t first = i % static_cast<std::size_t>(words) * 32;
        for (std::size_t bit = 0; bit < 32 && first + bit < request_.allowed.size(); ++bit) {
          if (request_.allowed[first + bit]) mask[i] |= 1U << bit;
        }
      }
      allowed_ = Tensor(backend_, {rows_, words}, DType::i32);
      put(backend_, mask, allowed_);
    }
    if (std::none_of(request_.sampling.begin(), request_.sampling.end(), uses_penalties)) return;
    const auto size = static_cast<std::size_t>(request_.penalty_window);
    std::vector<std::int32_t> window(size, -1);
    const auto& primer = request_.primer.tokens;
    const std::size_t known = std::min(size, primer.size());
    std::copy(primer.end() - static_cast<std::ptrdiff_t>(known), primer.end(),
              window.end() - static_cast<std::ptrdiff_t>(known));
    std::vector<std::int32_t> all;
    for (std::int64_t row = 0; row < rows_; ++row) {
      all.insert(all.end(), window.begin(), window.end());
    }
    window_ = Tensor(backend_, {rows_, request_.penalty_window}, DType::i32);
    put(backend_, all, window_);
  }

  bool all_finished() const {
    if (end_token_ < 0) return false;
    const auto flags = get<std::int32_t>(backend_, finished_);
    return std::all_of(flags.begin(), flags.end(), [](std::int32_t flag) { return flag != 0; });
  }

  void generate(std::int64_t count) {
    const std::int64_t width = model_.config().width;
    const Tensor log_probability(backend_, {count, rows_}, DType::f32);
    const Tensor tokens = tokens_ ? Tensor(backend_, {count, rows_}, DType::i32) : Tensor();
    const Tensor frames = tokens_ ? Tensor() : Tensor(backend_, {count, rows_, width}, DType::f32);
    GenerateArgs args = {.network = &network_,
                         .input = input_,
                         .rows = {.seed = request_.seed,
                                  .params = params_,
                                  .sequences = sequences_,
                                  .steps = steps_},
                         .bias = bias_,
                         .allowed = allowed_,
                         .window = window_,
                         .end_token = end_token_,
                         .finished = finished_,
                         .tokens = tokens,
                         .frames = frames,
                         .log_probability = log_probability};
    for (const Tensor& state : states_) args.states.push_back(state);
    backend_.generate(args);
    const auto log_p = get<float>(backend_, log_probability);
    tokens_ ? collect_tokens(get<std::int32_t>(backend_, tokens), log_p)
            : collect_frames(get<float>(backend_, frames), log_p);
  }

  void collect_tokens(const std::vector<std::int32_t>& tokens, const std::vector<float>& log_p) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i] < 0) continue;
      Generated& result = results_[i % results_.size()];
      result.sequence.tokens.push_back(tokens[i]);
      result.log_probability += static_cast<double>(log_p[i]);
    }
  }

  void collect_frames(const std::vector<float>& keys, const std::vector<float>& log_p) {
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

  const LanguageModel& model_;
  Backend& backend_;
  const GenerationRequest& request_;
  std::int64_t first_row_;
  std::int64_t rows_;
  bool tokens_;
  GenerationNetwork network_;
  std::vector<Tensor> states_;
  Tensor params_;
  Tensor sequences_;
  Tensor steps_;
  Tensor finished_;
  Tensor input_;
  Tensor bias_;
  Tensor allowed_;
  Tensor window_;
  std::int32_t end_token_;
  std::vector<Generated> results_;
};

}  // namespace

GenerationPlan Generator::plan(const GenerationRequest& request) const {
  return model_->backend().plan_generation(model_->network(),
                                           std::min(request.batch_size, request.num_outputs));
}

std::vector<Generated> Generator::run(
    const GenerationRequest& request,
    const std::function<void(std::int64_t, std::int64_t)>& progress) const {
  check_request(request, model_->config());
  const PrimedState primed(*model_, request.primer);
  std::vector<Generated> results;
  std::int64_t done = 0;
  const std::int64_t total = request.num_outputs * request.num_steps;
  for (std::int64_t first = 0; first < request.num_outputs; first += request.batch_size) {
    const std::int64_t rows = std::min(request.batch_size, request.num_outputs - first);
    RowBatch batch(*model_, request, primed, first, rows, tokenizer_->end_token());
    for (Generated& generated : batch.run([&](std::int64_t steps) {
           done += steps * rows;
           if (progress) progress(done, total);
         })) {
      results.push_back(std::move(generated));
    }
  }
  return results;
}

}  // namespace cadenza
