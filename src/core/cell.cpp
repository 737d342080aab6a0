// SPDX-License-Identifier: Apache-2.0
#include "cadenza/cell.h"

#include <string>

#include "cadenza/error.h"

namespace cadenza {
namespace {

constexpr CellInfo kCells[] = {
    {CellKind::rnn_tanh, "rnn_tanh", "rnn", 1, 1, "h"},
    {CellKind::rnn_relu, "rnn_relu", "rnn", 1, 1, "h"},
    {CellKind::gru, "gru", "gru", 3, 1, "rzn"},
    {CellKind::lstm, "lstm", "lstm", 4, 2, "ifgo"},
};

}  // namespace

std::span<const CellInfo> cells() { return kCells; }

const CellInfo& info_of(CellKind kind) { return kCells[static_cast<std::size_t>(kind)]; }

CellKind parse_cell(std::string_view name) {
  std::string known;
  for (const CellInfo& cell : kCells) {
    if (cell.name == name) return cell.kind;
    known += (known.empty() ? "" : ", ") + std::string(cell.name);
  }
  throw ArgumentError(message("unknown cell '", name, "', expected one of ", known));
}

}  // namespace cadenza
