// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cadenza/cell.h"
#include "cadenza/parameters.h"
#include "nn/ops.h"

namespace cadenza {

enum class Directions : std::uint8_t { forward, both };

/// Recurrent layers on top of each other as PyTorch's nn.LSTM, nn.GRU and nn.RNN have them, under
/// the same names: `PREFIXlstm.weight_ih_l0` [G*H, I], ..., and with both directions also
/// `PREFIXlstm.weight_ih_l0_reverse`; a layer above then reads [forward, backward], 2 H wide.
struct RecurrentStack {
  std::string prefix;  ///< "" or, for example, "encoder."
  CellKind cell = CellKind::lstm;
  int layers = 1;
  std::int64_t input = 0;
  std::int64_t hidden = 0;  ///< of each direction
  Directions directions = Directions::forward;

  int direction_count() const { return directions == Directions::both ? 2 : 1; }
  /// Features of its output.
  std::int64_t width() const { return hidden * direction_count(); }
  RecurrentSpec spec(int layer) const;
  /// "PREFIXlstm.WHAT_lLAYER"; direction 1 is the backward one.
  std::string name(std::string_view what, int layer, int direction = 0) const;
  /// Uniform in +-1/sqrt(H), PyTorch's default.
  void add_specs(std::vector<ParameterSpec>& specs) const;
  /// Adds `bias` to the initial biases of the LSTM's forget gates; nothing for other cells.
  void add_forget_bias(Parameters& parameters, double bias) const;
  RecurrentWeights weights(const Parameters& parameters, int layer, int direction = 0) const;
  RecurrentParameters on(Tape& tape, Parameters& parameters, int layer, int direction = 0) const;
};

/// A parameter with its gradient, as the tape knows it.
Variable& parameter(Tape& tape, Parameters& parameters, const std::string& name);
/// Its "PREFIXweight" and "PREFIXbias".
LinearParameters linear_parameters(Tape& tape, Parameters& parameters, const std::string& prefix);
/// Adds both, [out, in] and [out], uniform in +-1/sqrt(in).
void add_linear_specs(std::vector<ParameterSpec>& specs, const std::string& prefix, std::int64_t in,
                      std::int64_t out);

/// The first states of every layer of `stack`, [S, B, H] each: tanh of the linear layer of
/// parameters `prefix` over x [.., B, in], whose output holds them as [layers, S, H] a row.
std::vector<Variable*> first_states(Tape& tape, Parameters& parameters, const RecurrentStack& stack,
                                    const std::string& prefix, Variable& x);

/// The layers of a stack on a tape that goes forward, `dropout(l)` after layer l.
struct RecurrentLayers {
  RecurrentStack stack;
  std::vector<RecurrentParameters> layers;

  RecurrentLayers(Tape& tape, Parameters& parameters, const RecurrentStack& from);
  /// x [T, B, I] -> [T, B, H]; moves `states` on.
  Variable& run(Tape& tape, Variable& x, std::vector<Variable*>& states,
                const std::function<DropoutPlace(int)>& dropout) const;
};

struct EncoderInput {
  Variable* x = nullptr;                  ///< [T, B, I], real
  std::span<const std::int32_t> lengths;  ///< [B]; must live until the way back is done
  /// The dropout after layer l.
  std::function<DropoutPlace(int)> dropout;
};
struct EncoderOutput {
  Variable& y;        ///< [T, B, width] of the last layer, zeros beyond the lengths
  Variable& summary;  ///< [1, B, width]: its last output in each direction
};
/// A whole stack over whole sequences, from states of zero. The backward direction starts at the
/// last step of each row.
EncoderOutput encode(Tape& tape, Parameters& parameters, const RecurrentStack& stack,
                     const EncoderInput& input);

}  // namespace cadenza
