// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "backend/argument_check.h"
#include "backend/network_step.h"
#include "cadenza/backend.h"

namespace cadenza {
namespace {

using Head = GenerationNetwork::Head;

constexpr auto kMaxVocabulary = static_cast<std::int64_t>(kMaxSampleVocabulary);

Extent mask_words(std::int64_t vocabulary) { return {"ceil(V/32)", (vocabulary + 31) / 32}; }

/// Checks `dense` for `in` inputs and returns the number of its outputs.
std::int64_t check_dense(const ArgumentCheck& check, const std::string& name,
                         const DenseWeights& dense, std::int64_t in) {
  check.require(name + ".weight", dense.weight, DType::f32, {{"out"}, {"in", in}});
  const std::int64_t out = dense.weight.shape[0];
  check.allow(name + ".bias", dense.bias, DType::f32, {{"out", out}});
  return out;
}

/// Checks what a network looks back with, but for the width that its first layer then has.
void check_look_back(const ArgumentCheck& check, const GenerationNetwork& network) {
  std::int64_t nearer = 0;
  for (const std::int64_t distance : network.lookback) {
    check.that(distance > nearer, "network.lookback has ", distance, " after ", nearer,
               ", expected ascending distances from 1");
    nearer = distance;
  }
  check.that(network.lookback.empty() || !network.embedding.empty(),
             "network.lookback is of embedded tokens, the embedding is absent");
  check.that(
      network.position_bits == 0 || network.head != Head::softmax || !network.embedding.empty(),
      "network.position_bits stand beside embedded tokens, the embedding is absent");
  constexpr int kMostBits = 62;
  check.that(network.position_bits >= 0 && network.position_bits <= kMostBits,
             "network.position_bits is ", network.position_bits, ", expected in [0, ", kMostBits,
             "]");
  if (network.attention.query.empty()) return;
  const Extent h{"H", network.layers.front().w_hh.shape[1]};
  check.require("network.attention.query", network.attention.query, DType::f32, {h, h});
  check.that(check_dense(check, "network.attention.output", network.attention.output,
                         2 * h.value) == h.value,
             "network.attention.output has shape ", network.attention.output.weight.shape,
             ", expected [H=", h.value, ", 2H]");
}

/// Checks that the parts of a network fit together.
void check_network(const ArgumentCheck& check, const GenerationNetwork& network) {
  check.that(network.width > 0 && network.width <= kMaxVocabulary, "network.width is ",
             network.width, ", expected in [1, ", kMaxVocabulary, "]");
  check.that(!network.layers.empty(), "network.layers is empty, expected at least one layer");
  check.that(!network.dense.empty(), "network.dense is empty, expected at least one layer");
  std::int64_t width = network.width;
  if (network.head != Head::softmax) {
    check.absent("network.embedding", network.embedding, "the network reads frames");
  } else if (!network.embedding.empty()) {
    check.require("network.embedding", network.embedding, DType::f32, {{"V", width}, {"E"}});
  }
  check_look_back(check, network);
  width = NetworkStep::input_width(network);
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const std::int64_t hidden = network.layers[l].w_hh.shape[1];
    const std::string name = "network.layers[" + std::to_string(l) + "].";
    check.that(hidden > 0, name, "w_hh has shape ", network.layers[l].w_hh.shape,
               ", expected [G*H, H]");
    const RecurrentSpec spec{network.cell, width, hidden};
    check.spec(spec);
    check.weights(name, network.layers[l], spec, DType::f32);
    width = hidden;
  }
  std::int64_t last_input = width;
  for (std::size_t l = 0; l < network.dense.size(); ++l) {
    last_input = width;
    width = check_dense(check, "network.dense[" + std::to_string(l) + "]", network.dense[l], width);
  }
  check.that(width == network.width, "the last of network.dense has ", width,
             " outputs, expected width=", network.width);
  if (network.head == Head::nade) {
    const Extent k{"K", check_dense(check, "network.nade_hidden", network.nade_hidden, last_input)};
    check.require("network.nade_w", network.nade_w, DType::f32, {{"D", network.width}, k});
    check.require("network.nade_u", network.nade_u, DType::f32, {{"D", network.width}, k});
  }
}

void check_states(const ArgumentCheck& check, const GenerateArgs& args, Extent b) {
  const GenerationNetwork& network = *args.network;
  check.that(args.states.size() == network.layers.size(), "states has ", args.states.size(),
             " entries, expected one for each of ", network.layers.size(), " layers");
  for (std::size_t l = 0; l < args.states.size(); ++l) {
    check.require("states[" + std::to_string(l) + "]", args.states[l], DType::f32,
                  {{"S", info_of(network.cell).states}, b, {"H", network.layers[l].w_hh.shape[1]}});
  }
}

/// What networks that look back have beside states.
void check_memory(const ArgumentCheck& check, const GenerateArgs& args, Extent b) {
  const GenerationNetwork& network = *args.network;
  check.that(args.position >= 0, "position is ", args.position, ", expected at least 0");
  if (network.attention.query.empty()) {
    check.absent("memory", args.memory, "the network has no attention");
  } else {
    check.require("memory", args.memory, DType::f32,
                  {{"M"}, b, {"H", network.attention.query.shape[0]}});
    check.that(args.memory.shape[0] > 0, "memory has no slots, expected at least one");
  }
  if (network.lookback.empty()) {
    check.absent("history", args.history, "the network reads the token before alone");
  } else {
    check.require("history", args.history, DType::i32, {{"slots", network.history_slots()}, b});
  }
}

void check_token_generation(const ArgumentCheck& check, const GenerateArgs& args) {
  const std::int64_t vocabulary = args.network->width;
  check.require("tokens", args.tokens, DType::i32, {{"T"}, {"B"}});
  const Extent b{"B", args.tokens.shape[1]};
  check.absent("frames", args.frames, "the network draws tokens");
  check.require("input", args.input, DType::i32, {b});
  check.allow("bias", args.bias, DType::f32, {{"V", vocabulary}});
  check.allow("allowed", args.allowed, DType::i32, {b, mask_words(vocabulary)});
  check.allow("window", args.window, DType::i32, {b, {"W"}});
  check.that(args.end_token >= -1 && args.end_token < vocabulary, "end_token is ", args.end_token,
             ", expected in [-1, V=", vocabulary, ")");
  check.allow("finished", args.finished, DType::i32, {b});
}

void check_frame_generation(const ArgumentCheck& check, const GenerateArgs& args) {
  const Extent d{"D", args.network->width};
  check.require("frames", args.frames, DType::f32, {{"T"}, {"B"}, d});
  check.require("input", args.input, DType::f32, {{"B", args.frames.shape[1]}, d});
  for (const auto& [name, view] :
       {std::pair{"tokens", args.tokens}, std::pair{"bias", args.bias},
        std::pair{"allowed", args.allowed}, std::pair{"window", args.window},
        std::pair{"finished", args.finished}}) {
    check.absent(name, view, "the network draws frames");
  }
  check.that(args.end_token == -1, "end_token is ", args.end_token,
             ", expected -1: the network draws frames");
}

}  // namespace

void Backend::sample_tokens(const SampleTokensArgs& args) {
  const ArgumentCheck check("sample_tokens", *this);
  check.require("logits", args.logits, DType::f32, {{"B"}, {"V"}});
  const Extent b{"B", args.logits.shape[0]};
  const Extent v{"V", args.logits.shape[1]};
  check.that(v.value > 0 && v.value <= kMaxVocabulary, "logits has shape ", args.logits.shape,
             ", expected V in [1, ", kMaxVocabulary, "]");
  check.allow("bias", args.bias, DType::f32, {v});
  check.allow("allowed", args.allowed, DType::i32, {b, mask_words(v.value)});
  check.allow("window", args.window, DType::i32, {b, {"W"}});
  check.rows(args.rows, b.value);
  check.require("tokens", args.tokens, DType::i32, {b});
  check.allow("log_probability", args.log_probability, DType::f32, {b});
  check.allow("raw_log_probability", args.raw_log_probability, DType::f32, {b});
  check.allow("entropy", args.entropy, DType::f32, {b});
  check.allow("status", args.status, DType::i32, {b});
  if (b.value > 0) do_sample_tokens(args);
}

void Backend::sample_keys(const SampleKeysArgs& args) {
  const ArgumentCheck check("sample_keys", *this);
  check.require("logits", args.logits, DType::f32, {{"B"}, {"D"}});
  const Extent b{"B", args.logits.shape[0]};
  check.rows(args.rows, b.value);
  check.require("keys", args.keys, DType::f32, {b, {"D", args.logits.shape[1]}});
  check.allow("log_probability", args.log_probability, DType::f32, {b});
  check.disjoint("keys", args.keys, "logits", args.logits);
  if (b.value > 0) do_sample_keys(args);
}

void Backend::sample_nade(const SampleNadeArgs& args) {
  const ArgumentCheck check("sample_nade", *this);
  check.require("visible_bias", args.visible_bias, DType::f32, {{"B"}, {"D"}});
  const Extent b{"B", args.visible_bias.shape[0]};
  const Extent d{"D", args.visible_bias.shape[1]};
  const Extent k{"K", args.w.shape[1]};
  check.require("w", args.w, DType::f32, {d, {"K"}});
  check.require("u", args.u, DType::f32, {d, k});
  check.require("hidden_bias", args.hidden_bias, DType::f32, {b, k});
  check.rows(args.rows, b.value);
  check.require("keys", args.keys, DType::f32, {b, d});
  check.allow("log_probability", args.log_probability, DType::f32, {b});
  check.disjoint("keys", args.keys, "visible_bias", args.visible_bias);
  if (b.value > 0) do_sample_nade(args);
}

GenerationPlan Backend::plan_generation(const GenerationNetwork& network,
                                        std::int64_t batch) const {
  const ArgumentCheck check("plan_generation", *this);
  check_network(check, network);
  check.that(batch >= 0, "batch is ", batch, ", expected >= 0");
  return network.looks_back() ? Backend::do_plan_generation(network, batch)
                              : do_plan_generation(network, batch);
}

std::shared_ptr<const PreparedNetwork> Backend::prepare_generation(
    const GenerationNetwork& network) {
  check_network(ArgumentCheck("prepare_generation", *this), network);
  return network.looks_back() ? nullptr : do_prepare_generation(network);
}

void Backend::generate(const GenerateArgs& args) {
  const ArgumentCheck check("generate", *this);
  check.that(args.network != nullptr, "network is absent");
  check_network(check, *args.network);
  const bool draws_tokens = args.network->head == Head::softmax;
  if (draws_tokens) {
    check_token_generation(check, args);
  } else {
    check_frame_generation(check, args);
  }
  const Shape& drawn = draws_tokens ? args.tokens.shape : args.frames.shape;
  const Extent t{"T", drawn[0]};
  const Extent b{"B", drawn[1]};
  check_states(check, args, b);
  check_memory(check, args, b);
  check.rows(args.rows, b.value);
  check.allow("log_probability", args.log_probability, DType::f32, {t, b});
  if (t.value == 0 || b.value == 0) return;
  if (args.network->looks_back()) {
    Backend::do_generate(args);
  } else {
    do_generate(args);
  }
}

}  // namespace cadenza
