// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "backend/reference/loops.h"
#include "cadenza/backend.h"

// What the two directions of the recurrent layers share.

namespace cadenza::reference {

struct Sizes {
  std::int64_t input, hidden, gates, states;
  std::int64_t gate_rows;  // G * H

  explicit Sizes(const RecurrentSpec& spec)
      : input(spec.input),
        hidden(spec.hidden),
        gates(info_of(spec.cell).gates),
        states(info_of(spec.cell).states),
        gate_rows(gates * hidden) {}

  /// Numbers that backward needs of one step of one row: both sums [G, H] and the state before it.
  std::int64_t reserve() const { return 2 * gate_rows + states * hidden; }
};

/// What one row reads at one step: a vector, or an id that stands for a one-hot one.
template <typename Real>
struct InputRow {
  const Real* values = nullptr;  // [I], or null
  std::int32_t id = -1;
};

/// The input of a sequence, T * B rows.
template <typename Real>
class Input {
 public:
  Input(std::string_view operation, const TensorView& x, std::int64_t width)
      : operation_(operation), width_(width) {
    if (x.dtype == DType::i32) {
      ids_ = x.as<std::int32_t>();
    } else {
      values_ = x.as<Real>();
    }
  }

  InputRow<Real> row(std::int64_t n) const {
    if (values_ != nullptr) return {values_ + n * width_, -1};
    check_id(operation_, ids_[n], n, width_);
    return {nullptr, ids_[n]};
  }

 private:
  std::string_view operation_;
  std::int64_t width_;
  const std::int32_t* ids_ = nullptr;
  const Real* values_ = nullptr;
};

/// The number of steps of each row.
inline std::vector<std::int64_t> lengths_of(std::string_view operation, const TensorView& lengths,
                                            std::int64_t steps, std::int64_t batch) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(batch), steps);
  if (lengths.empty()) return result;
  const std::int32_t* given = lengths.as<std::int32_t>();
  for (std::int64_t b = 0; b < batch; ++b) {
    check(given[b] >= 0 && given[b] <= steps, operation, ": length ", given[b], " of row ", b,
          ", expected in [0, T=", steps, "]");
    result[static_cast<std::size_t>(b)] = given[b];
  }
  return result;
}

}  // namespace cadenza::reference
