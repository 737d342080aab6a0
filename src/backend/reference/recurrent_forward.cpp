// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/reference/cell_functions.h"
#include "backend/reference/recurrent.h"
#include "backend/reference/reference_backend.h"

namespace cadenza {
namespace {

using reference::CellFunctions;
using reference::GateSums;
using reference::Input;
using reference::InputRow;
using reference::Sizes;
using reference::UnitState;
using reference::with_real;

/// Moves single rows one step on.
template <typename Real>
class Stepper {
 public:
  Stepper(const RecurrentSpec& spec, const RecurrentWeights& weights)
      : sizes_(spec),
        functions_(reference::functions_of(spec.cell)),
        w_ih_(weights.w_ih.as<Real>()),
        w_hh_(weights.w_hh.as<Real>()),
        b_ih_(weights.b_ih.as<Real>()),
        b_hh_(weights.b_hh.as<Real>()),
        input_sums_(static_cast<std::size_t>(sizes_.gate_rows)),
        recurrent_sums_(input_sums_.size()) {}

  /// State s of the row starts at state + s * stride. What backward needs goes to `reserve` unless
  /// that is null.
  void step(const InputRow<Real>& x, Real* state, std::int64_t stride, Real* reserve) {
    compute_sums(x, state);
    if (reserve != nullptr) save(state, stride, reserve);
    for (std::int64_t j = 0; j < sizes_.hidden; ++j) {
      GateSums sums;
      for (std::int64_t g = 0; g < sizes_.gates; ++g) {
        const auto row = static_cast<std::size_t>(g * sizes_.hidden + j);
        sums.input[static_cast<std::size_t>(g)] = input_sums_[row];
        sums.recurrent[static_cast<std::size_t>(g)] = recurrent_sums_[row];
      }
      UnitState unit{};
      for (std::int64_t s = 0; s < sizes_.states; ++s) {
        unit[static_cast<std::size_t>(s)] = static_cast<double>(state[s * stride + j]);
      }
      unit = functions_.step(sums, unit);
      for (std::int64_t s = 0; s < sizes_.states; ++s) {
        state[s * stride + j] = static_cast<Real>(unit[static_cast<std::size_t>(s)]);
      }
    }
  }

 private:
  void compute_sums(const InputRow<Real>& x, const Real* h) {
    for (std::int64_t r = 0; r < sizes_.gate_rows; ++r) {
      double input = 0.0;
      if (x.values != nullptr) {
        input = reference::dot(w_ih_ + r * sizes_.input, x.values, sizes_.input);
      } else if (x.id >= 0) {
        input = static_cast<double>(w_ih_[r * sizes_.input + x.id]);
      }
      input_sums_[static_cast<std::size_t>(r)] = input + static_cast<double>(b_ih_[r]);
      recurrent_sums_[static_cast<std::size_t>(r)] =
          reference::dot(w_hh_ + r * sizes_.hidden, h, sizes_.hidden) +
          static_cast<double>(b_hh_[r]);
    }
  }

  void save(const Real* state, std::int64_t stride, Real* reserve) const {
    const auto round = [](double value) { return static_cast<Real>(value); };
    reserve = std::transform(input_sums_.begin(), input_sums_.end(), reserve, round);
    reserve = std::transform(recurrent_sums_.begin(), recurrent_sums_.end(), reserve, round);
    for (std::int64_t s = 0; s < sizes_.states; ++s) {
      reserve = std::copy_n(state + s * stride, sizes_.hidden, reserve);
    }
  }

  Sizes sizes_;
  const CellFunctions& functions_;
  const Real* w_ih_;
  const Real* w_hh_;
  const Real* b_ih_;
  const Real* b_hh_;
  std::vector<double> input_sums_, recurrent_sums_;  // [G, H]
};

template <typename Real>
void forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) {
  const Sizes sizes(spec);
  const std::int64_t steps = args.y.shape[0];
  const std::int64_t batch = args.y.shape[1];
  const std::vector<std::int64_t> lengths =
      reference::lengths_of("recurrent_forward", args.lengths, steps, batch);
  const Input<Real> x("recurrent_forward", args.x, sizes.input);
  const std::int64_t stride = batch * sizes.hidden;
  std::vector<Real> state(static_cast<std::size_t>(sizes.states * stride));  // [S, B, H]
  if (!args.initial_state.empty()) {
    std::copy_n(args.initial_state.as<Real>(), state.size(), state.begin());
  }
  auto* reserve = static_cast<Real*>(args.reserve.data);
  Stepper<Real> stepper(spec, args.weights);
  for (std::int64_t n = 0; n < steps * batch; ++n) {
    const std::int64_t b = n % batch;
    Real* y = args.y.as<Real>() + n * sizes.hidden;
    if (n / batch >= lengths[static_cast<std::size_t>(b)]) {
      std::fill_n(y, sizes.hidden, Real{0});
      continue;
    }
    Real* row_state = state.data() + b * sizes.hidden;
    stepper.step(x.row(n), row_state, stride,
                 reserve == nullptr ? nullptr : reserve + n * sizes.reserve());
    std::copy_n(row_state, sizes.hidden, y);
  }
  if (!args.final_state.empty()) {
    std::copy(state.begin(), state.end(), args.final_state.as<Real>());
  }
}

}  // namespace

std::size_t ReferenceBackend::do_recurrent_reserve_bytes(const RecurrentSpec& spec,
                                                         std::int64_t steps, std::int64_t batch,
                                                         DType dtype) const {
  return static_cast<std::size_t>(steps * batch * Sizes(spec).reserve()) * size_of(dtype);
}

void ReferenceBackend::do_recurrent_forward(const RecurrentSpec& spec,
                                            const RecurrentForwardArgs& args) {
  with_real(args.y.dtype, [&](auto zero) { forward<decltype(zero)>(spec, args); });
}

void ReferenceBackend::do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) {
  with_real(args.state.dtype, [&](auto zero) {
    using Real = decltype(zero);
    const std::int64_t batch = args.state.shape[1];
    const Input<Real> x("recurrent_step", args.x, spec.input);
    Stepper<Real> stepper(spec, args.weights);
    for (std::int64_t b = 0; b < batch; ++b) {
      stepper.step(x.row(b), args.state.as<Real>() + b * spec.hidden, batch * spec.hidden, nullptr);
    }
  });
}

}  // namespace cadenza
