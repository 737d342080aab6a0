// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "backend/generation_step.h"
#include "cadenza/backend.h"

// Generation composed of the other operations, one step at a time: what every backend can do.

namespace cadenza {
namespace {

using Head = GenerationNetwork::Head;

std::vector<std::int32_t> download_i32(Backend& backend, const TensorView& from) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(from.count()));
  backend.download(from, std::as_writable_bytes(std::span(values)));
  return values;
}

void upload_i32(Backend& backend, const std::vector<std::int32_t>& values, const TensorView& to) {
  backend.upload(std::as_bytes(std::span(values)), to);
}

/// What a token does to the rows: ends them, and enters the windows of the penalties.
class TokenHistory {
 public:
  TokenHistory(Backend& backend, const GenerateArgs& args)
      : backend_(backend), args_(args), finished_(static_cast<std::size_t>(args.tokens.shape[1])) {
    if (!args.finished.empty()) finished_ = download_i32(backend, args.finished);
    if (!args.window.empty()) window_ = download_i32(backend, args.window);
  }

  /// Blanks the rows that had ended before step `t`, and takes in the tokens of the others.
  void advance(std::int64_t t) {
    if (args_.end_token < 0 && args_.finished.empty() && args_.window.empty()) return;
    std::vector<std::int32_t> tokens = download_i32(backend_, args_.tokens.at(t));
    bool blanked = false;
    for (std::size_t b = 0; b < tokens.size(); ++b) {
      if (finished_[b] != 0) {
        tokens[b] = -1;
        blanked = true;
        continue;
      }
      remember(b, tokens[b]);
      if (args_.end_token >= 0 && tokens[b] == args_.end_token) ended_now_.push_back(b);
    }
    if (blanked) blank(t, tokens);
    for (const std::size_t b : ended_now_) finished_[b] = 1;
    ended_now_.clear();
    if (!window_.empty()) upload_i32(backend_, window_, args_.window);
  }

  void store() {
    if (!args_.finished.empty()) upload_i32(backend_, finished_, args_.finished);
  }

 private:
  void remember(std::size_t b, std::int32_t token) {
    const auto slots = static_cast<std::ptrdiff_t>(args_.window.shape[1]);
    if (slots == 0) return;
    const auto begin = window_.begin() + static_cast<std::ptrdiff_t>(b) * slots;
    std::copy(begin + 1, begin + slots, begin);
    begin[slots - 1] = token;
  }

  void blank(std::int64_t t, const std::vector<std::int32_t>& tokens) {
    upload_i32(backend_, tokens, args_.tokens.at(t));
    if (args_.log_probability.empty()) return;
    std::vector<float> values(tokens.size());
    const TensorView row = args_.log_probability.at(t);
    backend_.download(row, std::as_writable_bytes(std::span(values)));
    for (std::size_t b = 0; b < tokens.size(); ++b) {
      if (finished_[b] != 0) values[b] = 0.0F;
    }
    backend_.upload(std::as_bytes(std::span(values)), row);
  }

  Backend& backend_;
  const GenerateArgs& args_;
  std::vector<std::int32_t> finished_;  // [B]
  std::vector<std::int32_t> window_;    // [B, W]
  std::vector<std::size_t> ended_now_;
};

}  // namespace

std::shared_ptr<const PreparedNetwork> Backend::do_prepare_generation(
    const GenerationNetwork& /*network*/) {
  return nullptr;
}

GenerationPlan Backend::do_plan_generation(const GenerationNetwork& network,
                                           std::int64_t batch) const {
  return {
      .kernel = "step by step",
      .reason = network.looks_back()
                    ? std::string("networks that look back are composed of other operations")
                    : message("backend '", name(), "' has no whole-sequence kernel"),
      .refused = {},
      .workspace_bytes = GenerationStep::bytes_per_row(network) * static_cast<std::size_t>(batch)};
}

void Backend::do_generate(const GenerateArgs& args) {
  const bool draws_tokens = args.network->head == Head::softmax;
  const TensorView& drawn = draws_tokens ? args.tokens : args.frames;
  GenerationStep step(*this, args, drawn.shape[1]);
  std::optional<TokenHistory> history;
  if (draws_tokens) history.emplace(*this, args);
  std::vector<std::int32_t> steps = download_i32(*this, args.rows.steps);

  TensorView input = args.input;
  for (std::int64_t t = 0; t < drawn.shape[0]; ++t) {
    const std::int64_t position = args.position + t;
    step.run(input,
             {.tokens = draws_tokens ? drawn.at(t) : TensorView(),
              .frames = draws_tokens ? TensorView() : drawn.at(t),
              .log_probability =
                  args.log_probability.empty() ? TensorView() : args.log_probability.at(t)},
             position);
    if (history) history->advance(t);
    if (!args.history.empty()) {
      copy(drawn.at(t), args.history.at(position % args.history.shape[0]));
    }
    for (std::int32_t& number : steps) ++number;
    upload_i32(*this, steps, args.rows.steps);
    input = drawn.at(t);
  }
  copy(input, args.input);
  if (history) history->store();
}

}  // namespace cadenza
