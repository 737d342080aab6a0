// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/reference/cell_functions.h"
#include "backend/reference/recurrent.h"
#include "backend/reference/reference_backend.h"

namespace cadenza {
namespace {

using reference::CellFunctions;
using reference::CellGradient;
using reference::GateSums;
using reference::Input;
using reference::InputRow;
using reference::Sizes;
using reference::UnitState;
using reference::with_real;

/// Takes gradients back through single steps of single rows; sums those of the parameters.
template <typename Real>
class BackwardStepper {
 public:
  BackwardStepper(const RecurrentSpec& spec, const RecurrentWeights& weights)
      : sizes_(spec),
        functions_(reference::functions_of(spec.cell)),
        w_ih_(weights.w_ih.as<Real>()),
        w_hh_(weights.w_hh.as<Real>()),
        d_input_sums_(static_cast<std::size_t>(sizes_.gate_rows)),
        d_recurrent_sums_(d_input_sums_.size()),
        d_w_ih_(static_cast<std::size_t>(sizes_.gate_rows * sizes_.input)),
        d_w_hh_(static_cast<std::size_t>(sizes_.gate_rows * sizes_.hidden)),
        d_b_ih_(d_input_sums_.size()),
        d_b_hh_(d_input_sums_.size()),
        d_x_(static_cast<std::size_t>(sizes_.input)) {}

  /// d_state: gradient of the state after the step without that of the output `dy`; becomes that of
  /// the state before it. Layout as in Stepper.
  void step(const InputRow<Real>& x, const Real* dy, const Real* reserve, double* d_state,
            std::int64_t stride) {
    const Real* previous = reserve + 2 * sizes_.gate_rows;  // [S, H]
    for (std::int64_t j = 0; j < sizes_.hidden; ++j) unit(j, dy, reserve, d_state, stride);
    reference::add_multiple(1.0, d_input_sums_.data(), d_b_ih_.data(), sizes_.gate_rows);
    reference::add_multiple(1.0, d_recurrent_sums_.data(), d_b_hh_.data(), sizes_.gate_rows);
    std::fill(d_x_.begin(), d_x_.end(), 0.0);
    for (std::int64_t r = 0; r < sizes_.gate_rows; ++r) {
      const double d_recurrent = d_recurrent_sums_[static_cast<std::size_t>(r)];
      const std::int64_t row = r * sizes_.hidden;
      reference::add_multiple(d_recurrent, w_hh_ + row, d_state, sizes_.hidden);
      reference::add_multiple(d_recurrent, previous, d_w_hh_.data() + row, sizes_.hidden);
      take_input(x, r, d_input_sums_[static_cast<std::size_t>(r)]);
    }
  }

  /// Gradient of the vector that the last step read.
  const std::vector<double>& d_x() const { return d_x_; }

  void add_to(const RecurrentWeights& d_weights) const {
    const auto add = [](const std::vector<double>& from, const TensorView& to) {
      reference::add_to(from.data(), to.as<Real>(), to.count());
    };
    add(d_w_ih_, d_weights.w_ih);
    add(d_w_hh_, d_weights.w_hh);
    add(d_b_ih_, d_weights.b_ih);
    add(d_b_hh_, d_weights.b_hh);
  }

 private:
  void unit(std::int64_t j, const Real* dy, const Real* reserve, double* d_state,
            std::int64_t stride) {
    GateSums sums;
    for (std::int64_t g = 0; g < sizes_.gates; ++g) {
      const Real* gate = reserve + g * sizes_.hidden + j;
      sums.input[static_cast<std::size_t>(g)] = static_cast<double>(gate[0]);
      sums.recurrent[static_cast<std::size_t>(g)] = static_cast<double>(gate[sizes_.gate_rows]);
    }
    UnitState previous{};
    UnitState d_next{};
    for (std::int64_t s = 0; s < sizes_.states; ++s) {
      const auto index = static_cast<std::size_t>(s);
      previous[index] = static_cast<double>(reserve[2 * sizes_.gate_rows + s * sizes_.hidden + j]);
      d_next[index] = d_state[s * stride + j];
    }
    d_next[0] += static_cast<double>(dy[j]);
    const CellGradient gradient = functions_.gradient(sums, previous, d_next);
    for (std::int64_t g = 0; g < sizes_.gates; ++g) {
      const auto row = static_cast<std::size_t>(g * sizes_.hidden + j);
      d_input_sums_[row] = gradient.sums.input[static_cast<std::size_t>(g)];
      d_recurrent_sums_[row] = gradient.sums.recurrent[static_cast<std::size_t>(g)];
    }
    for (std::int64_t s = 0; s < sizes_.states; ++s) {
      d_state[s * stride + j] = gradient.previous[static_cast<std::size_t>(s)];
    }
  }

  void take_input(const InputRow<Real>& x, std::int64_t r, double d_sum) {
    const std::int64_t row = r * sizes_.input;
    if (x.values != nullptr) {
      reference::add_multiple(d_sum, w_ih_ + row, d_x_.data(), sizes_.input);
      reference::add_multiple(d_sum, x.values, d_w_ih_.data() + row, sizes_.input);
    } else if (x.id >= 0) {
      d_w_ih_[static_cast<std::size_t>(row + x.id)] += d_sum;
    }
  }

  Sizes sizes_;
  const CellFunctions& functions_;
  const Real* w_ih_;
  const Real* w_hh_;
  std::vector<double> d_input_sums_, d_recurrent_sums_;  // [G, H]
  std::vector<double> d_w_ih_, d_w_hh_, d_b_ih_, d_b_hh_;
  std::vector<double> d_x_;  // [I]
};

template <typename Real>
void backward(const RecurrentSpec& spec, const RecurrentBackwardArgs& args) {
  const Sizes sizes(spec);
  const std::int64_t steps = args.y.shape[0];
  const std::int64_t batch = args.y.shape[1];
  const std::vector<std::int64_t> lengths =
      reference::lengths_of("recurrent_backward", args.lengths, steps, batch);
  const Input<Real> x("recurrent_backward", args.x, sizes.input);
  const std::int64_t stride = batch * sizes.hidden;
  std::vector<double> d_state(static_cast<std::size_t>(sizes.states * stride));  // [S, B, H]
  if (!args.d_final_state.empty()) {
    std::copy_n(args.d_final_state.as<Real>(), d_state.size(), d_state.begin());
  }
  const auto* reserve = static_cast<const Real*>(args.reserve.data);
  BackwardStepper<Real> stepper(spec, args.weights);
  const auto round = [](double value) { return static_cast<Real>(value); };
  for (std::int64_t n = steps * batch - 1; n >= 0; --n) {
    const std::int64_t b = n % batch;
    Real* dx = args.dx.empty() ? nullptr : args.dx.as<Real>() + n * sizes.input;
    if (n / batch >= lengths[static_cast<std::size_t>(b)]) {
      if (dx != nullptr) std::fill_n(dx, sizes.input, Real{0});
      continue;
    }
    stepper.step(x.row(n), args.dy.as<Real>() + n * sizes.hidden, reserve + n * sizes.reserve(),
                 d_state.data() + b * sizes.hidden, stride);
    if (dx != nullptr) std::transform(stepper.d_x().begin(), stepper.d_x().end(), dx, round);
  }
  if (!args.d_initial_state.empty()) {
    std::transform(d_state.begin(), d_state.end(), args.d_initial_state.as<Real>(), round);
  }
  stepper.add_to(args.d_weights);
}

}  // namespace

void ReferenceBackend::do_recurrent_backward(const RecurrentSpec& spec,
                                             const RecurrentBackwardArgs& args) {
  with_real(args.y.dtype, [&](auto zero) { backward<decltype(zero)>(spec, args); });
}

}  // namespace cadenza
