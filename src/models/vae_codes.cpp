// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <optional>

#include "cadenza/error.h"
#include "cadenza/vae.h"
#include "core/largest_that_fits.h"
#include "models/vae_pass.h"
#include "nn/host_copy.h"
#include "nn/step_stack.h"
#include "nn/token_draws.h"

namespace cadenza {
namespace {

// The tokens of one batch of codes, drawn step by step.
class CodeDecoder {
 public:
  CodeDecoder(Tape& tape, Vae& model, std::span<const Code> codes,
              std::span<const std::int32_t> labels)
      : tape_(tape),
        config_(model.config()),
        parameters_(model.parameters()),
        rows_(static_cast<std::int64_t>(codes.size())),
        decoder_(tape, parameters_, decoder_of(config_), rows_),
        told_(tape.allocate({rows_, config_.told()})),
        embedded_(tape.allocate({rows_, config_.embedding})),
        input_(tape.allocate({rows_, decoder_of(config_).input})),
        logits_(tape.allocate({rows_, config_.width + 1})) {
    std::vector<float> values;
    for (const Code& code : codes) {
      check(static_cast<int>(code.size()) == config_.latent, "decode: a code has ", code.size(),
            " numbers, expected ", config_.latent);
      values.insert(values.end(), code.begin(), code.end());
    }
    Backend& backend = tape.backend();
    backend.copy_columns({.x = tape.upload(std::span(values), {rows_, config_.latent}),
                          .y = told_,
                          .count = config_.latent});
    if (labels.empty()) return;
    const TensorView label = tape.allocate({rows_, config_.label_embedding});
    backend.embedding({.ids = tape.upload(labels, {rows_}),
                       .table = parameters_.value("label_embedding.weight"),
                       .y = label});
    backend.copy_columns(
        {.x = label, .y = told_, .y_begin = config_.latent, .count = config_.label_embedding});
  }

  // i32 [steps, B] on the host.
  std::vector<std::int32_t> run(TokenDraws& draws) {
    std::optional<StepStack> conductor;
    if (config_.segments > 1) {
      conductor.emplace(tape_, parameters_, conductor_of(config_), rows_);
      conductor->start(parameters_, "conductor.bridge.", told_);
    }
    const TensorView tokens = tape_.allocate({config_.steps, rows_}, DType::i32);
    const std::vector<std::int32_t> nothing(static_cast<std::size_t>(rows_), -1);
    TensorView last = tape_.upload(std::span(nothing), {rows_});
    for (std::int64_t t = 0; t < config_.steps; ++t) {
      if (t % config_.segment_steps() == 0) {
        start_segment(conductor ? conductor->step(told_) : told_);
      }
      draws.draw({.logits = predict(last), .tokens = tokens.at(t)}, t);
      last = tokens.at(t);
    }
    std::vector<std::int32_t> host(static_cast<std::size_t>(tokens.count()));
    tape_.backend().download(tokens, std::as_writable_bytes(std::span(host)));
    return host;
  }

 private:
  void start_segment(const TensorView& orders) {
    decoder_.start(parameters_, "bridge.", orders);
    tape_.backend().copy_columns(
        {.x = orders, .y = input_, .y_begin = config_.embedding, .count = orders.shape[1]});
  }

  const TensorView& predict(const TensorView& last) {
    Backend& backend = tape_.backend();
    backend.embedding(
        {.ids = last, .table = parameters_.value("embedding.weight"), .y = embedded_});
    backend.copy_columns({.x = embedded_, .y = input_, .count = config_.embedding});
    backend.matmul({.a = decoder_.step(input_),
                    .b = parameters_.value("output.weight"),
                    .c = logits_,
                    .transpose_b = Transpose::yes,
                    .bias = parameters_.value("output.bias"),
                    .order = SumOrder::fixed});
    return logits_;
  }

  Tape& tape_;
  const VaeConfig& config_;
  const Parameters& parameters_;
  std::int64_t rows_;
  StepStack decoder_;
  TensorView told_, embedded_, input_, logits_;
};

std::vector<Sequence> decode_batch(Vae& model, std::span<const Code> codes,
                                   std::span<const std::int32_t> labels,
                                   const DecodeRequest& request, std::int64_t first) {
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, DType::f32, GradMode::none);
  TokenDraws draws(
      tape, request.sampling,
      {.seed = request.seed, .first = first, .count = static_cast<std::int64_t>(codes.size())});
  const std::vector<std::int32_t> tokens = CodeDecoder(tape, model, codes, labels).run(draws);
  std::vector<Sequence> pieces(codes.size());
  for (std::size_t b = 0; b < codes.size(); ++b) {
    for (std::size_t at = b; at < tokens.size(); at += codes.size()) {
      if (tokens[at] == model.config().end_token()) break;
      pieces[b].tokens.push_back(tokens[at]);
    }
  }
  return pieces;
}

void check_labels(const VaeConfig& config, std::span<const std::int32_t> labels,
                  std::size_t codes) {
  check(labels.size() == (config.labels > 0 ? codes : 0), "decode: ", labels.size(), " labels for ",
        codes, " codes and a model of ", config.labels, " labels");
  for (const std::int32_t label : labels) {
    check(label >= 0 && label < config.labels, "decode: label ", label, " of a model of ",
          config.labels, " labels");
  }
}

void check_piece(const VaeConfig& config, const Sequence& piece) {
  const auto& tokens = piece.tokens;
  check(!tokens.empty() && static_cast<int>(tokens.size()) <= config.steps,
        "encode: the piece has ", tokens.size(), " tokens, expected 1 to ", config.steps);
  for (const std::int32_t token : tokens) {
    check(token >= 0 && token < config.width, "encode: token ", token,
          " is outside the vocabulary of ", config.width);
  }
}

std::vector<Code> encode_batch(Vae& model, std::span<const Sequence> pieces) {
  const VaeConfig& config = model.config();
  std::vector<std::int32_t> lengths;
  for (const Sequence& piece : pieces) {
    const auto tokens = static_cast<std::int32_t>(piece.tokens.size());
    lengths.push_back(tokens < config.steps ? tokens + 1 : tokens);
  }
  const std::int64_t steps = *std::max_element(lengths.begin(), lengths.end());
  std::vector<std::int32_t> ids(static_cast<std::size_t>(steps) * pieces.size(), -1);
  for (std::size_t b = 0; b < pieces.size(); ++b) {
    const std::vector<std::int32_t>& tokens = pieces[b].tokens;
    for (std::size_t t = 0; t < static_cast<std::size_t>(lengths[b]); ++t) {
      ids[t * pieces.size() + b] = t < tokens.size() ? tokens[t] : config.end_token();
    }
  }
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, model.parameters().dtype(), GradMode::none);
  VaePass pass(tape, config, model.parameters(), {});
  const auto numbers = download_real(
      model.backend(), pass.encode({.steps = steps, .ids = ids, .lengths = lengths}).mean.value());
  std::vector<Code> codes;
  for (auto at = numbers.begin(); at != numbers.end(); at += config.latent) {
    codes.emplace_back(at, at + config.latent);
  }
  return codes;
}

}  // namespace

std::vector<Code> encode(Vae& model, std::span<const Sequence> pieces, int batch_size) {
  check(batch_size >= 1, "encode: batch_size is ", batch_size, ", expected at least 1");
  for (const Sequence& piece : pieces) check_piece(model.config(), piece);
  std::vector<Code> codes;
  while (codes.size() < pieces.size()) {
    const auto rest = pieces.subspan(codes.size());
    const auto count = std::min<std::int64_t>(batch_size, static_cast<std::int64_t>(rest.size()));
    std::vector<Code> found =
        with_room(message("encoding ", count, " pieces at once"), count, [&](std::int64_t rows) {
          return encode_batch(model, rest.first(static_cast<std::size_t>(rows)));
        });
    std::move(found.begin(), found.end(), std::back_inserter(codes));
  }
  return codes;
}

std::vector<Sequence> decode(Vae& model, std::span<const Code> codes,
                             const DecodeRequest& request) {
  check(request.batch_size >= 1, "decode: batch_size is ", request.batch_size,
        ", expected at least 1");
  check(model.parameters().dtype() == DType::f32, "decode: draws tokens in f32, got f64");
  check_labels(model.config(), request.labels, codes.size());
  std::vector<Sequence> pieces;
  while (pieces.size() < codes.size()) {
    const std::size_t done = pieces.size();
    const auto rest = codes.subspan(done);
    const auto count = std::min(request.batch_size, static_cast<std::int64_t>(rest.size()));
    std::vector<Sequence> written =
        with_room(message("decoding ", count, " codes at once"), count, [&](std::int64_t some) {
          const auto rows = static_cast<std::size_t>(some);
          const auto labels = request.labels.empty()
                                  ? std::span<const std::int32_t>()
                                  : std::span(request.labels).subspan(done, rows);
          return decode_batch(model, rest.first(rows), labels, request,
                              request.first_sequence + static_cast<std::int64_t>(done));
        });
    std::move(written.begin(), written.end(), std::back_inserter(pieces));
  }
  return pieces;
}

}  // namespace cadenza
