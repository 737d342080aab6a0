// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cadenza {

/// Recurrent cells, with the equations and the gate order of PyTorch's nn.RNN, nn.GRU, nn.LSTM.
enum class CellKind : std::uint8_t { rnn_tanh, rnn_relu, gru, lstm };

/// What a driver needs to know of a cell; no driver switches on the kind.
struct CellInfo {
  CellKind kind;
  std::string_view name;    ///< "lstm", as options and files spell it
  std::string_view module;  ///< prefix of parameter names, PyTorch's module: "lstm", "gru", "rnn"
  int gates;                ///< G: weight matrices have G * H rows, in the order of gate_names
  int states;               ///< S: state 0 is the output h; LSTM's cell state c is state 1
  std::string_view gate_names;
};

/// All cells, in the order of CellKind.
std::span<const CellInfo> cells();
const CellInfo& info_of(CellKind kind);
/// ArgumentError lists the known names.
CellKind parse_cell(std::string_view name);

}  // namespace cadenza
