// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cadenza/vae.h"
#include "models/own_tokens.h"
#include "nn/gaussian.h"
#include "nn/recurrent_stack.h"

namespace cadenza {

RecurrentStack encoder_of(const VaeConfig& config);
/// Of models with segments.
RecurrentStack conductor_of(const VaeConfig& config);
RecurrentStack decoder_of(const VaeConfig& config);

/// How steps [T, B] of pieces lie as steps [L, R] of their segments, which are decoded side by
/// side: row n * B + b is segment n of piece b.
class SegmentGrid {
 public:
  SegmentGrid(const VaeConfig& config, std::int64_t steps, std::int64_t pieces);

  std::int64_t steps() const { return length_; }             ///< L
  std::int64_t rows() const { return segments_ * pieces_; }  ///< R
  std::int64_t segments() const { return segments_; }
  std::int64_t pieces() const { return pieces_; }
  std::int64_t cells() const { return length_ * rows(); }
  /// Values [T, B] as [L, R], `none` where a last segment is longer than the pieces.
  template <typename T>
  std::vector<T> arrange(std::span<const T> values, T none) const {
    std::vector<T> result(static_cast<std::size_t>(cells()), none);
    for (std::size_t i = 0; i < values.size(); ++i) result[cell_of(i)] = values[i];
    return result;
  }
  /// real [L * R] back as [T * B].
  TensorView restore(Tape& tape, const TensorView& values) const;

 private:
  std::size_t cell_of(std::size_t i) const;

  std::int64_t piece_steps_;
  std::int64_t pieces_;
  std::int64_t length_;
  std::int64_t segments_;
};

/// Encoder and decoder of one model on one tape: what the loss and the measuring of codes share.
class VaePass {
 public:
  VaePass(Tape& tape, const VaeConfig& config, Parameters& parameters, const DropoutKey& key);

  struct Pieces {
    std::int64_t steps = 0;
    std::span<const std::int32_t> ids;      ///< [T, B], -1 beyond the length
    std::span<const std::int32_t> lengths;  ///< [B]; must live until the way back is done
  };
  struct Encoded {
    Variable& mean;                     ///< [B, Z]
    std::optional<Gaussian> posterior;  ///< variational only
  };
  Encoded encode(const Pieces& pieces);
  /// What the decoder is told, [B, K]: codes [B, Z] and, with labels, those of the pieces, [B].
  Variable& tell(Variable& codes, std::span<const std::int32_t> labels);
  /// Logits [L * R, width + 1] of every step, in the order of `grid`, given what the decoder is
  /// told, [B, K], and the tokens before, [T, B].
  Variable& predict(Variable& told, std::span<const std::int32_t> inputs, const SegmentGrid& grid);
  /// Losses real [T * B] of the pieces of a batch given what the decoder is told; the gradient of
  /// scale times their sum goes on the way back.
  TensorView losses(Variable& told, const Batch& batch, double scale);

 private:
  DropoutPlace place(double rate, int which, std::int64_t t = 0) const;
  std::vector<std::int32_t> hide_words(std::vector<std::int32_t> ids, std::int64_t rows) const;
  /// What the decoder reads in each segment, [R, K or H].
  Variable& conduct(Variable& told, std::int64_t segments);
  /// Codes [R, C] at every one of `steps` steps, [L, R, C].
  Variable& repeat(Variable& codes, std::int64_t steps);
  TensorView logits(const TensorView& features);

  Tape& tape_;
  const VaeConfig& config_;
  Parameters& parameters_;
  DropoutKey key_;
  Variable& embedding_;
  LinearParameters output_;
};

}  // namespace cadenza
