// SPDX-License-Identifier: Apache-2.0
#include "kernels/recurrent_step.h"

#include <cmath>

#include "kernels/cells/for_cell.h"
#include "kernels/device_array.h"
#include "kernels/transpose.h"

// One recurrent step against its definition, written as loops over the same cells: in fp32 bit by
// bit, in bf16 with whole numbers, whose products and sums are exact. And transposition.

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using test::fractions;
using test::size_of;
using test::whole_numbers;
using RecurrentStepKernel = test::KernelTest;
using TransposeKernel = test::KernelTest;

struct StepCase {
  std::int64_t batch, input, hidden;
  bool ids = false;
};
// Up to 64 rows go to small tiles, more to large ones.
constexpr StepCase kSteps[] = {
    {1, 1, 1}, {3, 37, 18}, {33, 64, 5, true}, {65, 33, 45}, {70, 3, 17, true}};

/// The arrays of a step on the host.
struct HostStep {
  StepCase sizes;
  std::vector<float> x, w_ih, w_hh, b_ih, b_hh, state;
  std::vector<std::int32_t> ids;

  template <class Draw>
  HostStep(const StepCase& step, const CellInfo& cell, const Draw& draw)
      : sizes(step),
        x(step.ids ? 0 : size_of(step.batch, step.input)),
        w_ih(draw(size_of(cell.gates * step.hidden, step.input), 2)),
        w_hh(draw(size_of(cell.gates * step.hidden, step.hidden), 3)),
        b_ih(draw(size_of(cell.gates, step.hidden), 4)),
        b_hh(draw(size_of(cell.gates, step.hidden), 5)),
        state(draw(size_of(cell.states * step.batch, step.hidden), 6)),
        ids(step.ids ? size_of(step.batch, 1) : 0) {
    if (!step.ids) x = draw(size_of(step.batch, step.input), 1);
    for (std::size_t b = 0; b < ids.size(); ++b) {
      ids[b] = static_cast<std::int32_t>(b * 7 % size_of(step.input + 1, 1)) - 1;
    }
  }

  /// start, then the products of n numbers of a row with those of another, each fused.
  static float chain(float start, const float* a, const float* b, std::int64_t n) {
    for (std::int64_t k = 0; k < n; ++k) start = std::fma(a[k], b[k], start);
    return start;
  }

  float add_input(float sum, std::int64_t row, std::int64_t gate_row) const {
    const float* const w = w_ih.data() + gate_row * sizes.input;
    if (!sizes.ids) return chain(sum, x.data() + row * sizes.input, w, sizes.input);
    const std::int32_t id = ids[static_cast<std::size_t>(row)];
    return id < 0 ? sum : sum + w[id];
  }

  float add_recurrent(float sum, std::int64_t row, std::int64_t gate_row) const {
    return chain(sum, state.data() + row * sizes.hidden, w_hh.data() + gate_row * sizes.hidden,
                 sizes.hidden);
  }

  template <class Cell>
  void step_unit(std::int64_t row, std::int64_t unit, std::vector<float>& next) const {
    float p[Cell::kPlanes] = {};
    for (int g = 0; g < Cell::kGates; ++g) {
      const std::int64_t r = g * sizes.hidden + unit;
      const auto i = static_cast<std::size_t>(r);
      if (g < Cell::kJoined) {
        p[g] = add_recurrent(add_input(b_hh[i] + b_ih[i], row, r), row, r);
      } else {
        p[g] = add_recurrent(b_hh[i], row, r);
        p[input_plane<Cell>(g)] = add_input(b_ih[i], row, r);
      }
    }
    float unit_state[Cell::kStates];
    const std::size_t first = size_of(row, sizes.hidden) + static_cast<std::size_t>(unit);
    const std::size_t plane = size_of(sizes.batch, sizes.hidden);
    for (std::size_t s = 0; s < Cell::kStates; ++s) unit_state[s] = state[s * plane + first];
    Cell::step(p, unit_state);
    for (std::size_t s = 0; s < Cell::kStates; ++s) next[s * plane + first] = unit_state[s];
  }

  std::vector<float> expected(CellKind kind) const {
    std::vector<float> next(state.size());
    for_cell(kind, [&](auto cell) {
      for (std::int64_t row = 0; row < sizes.batch; ++row) {
        for (std::int64_t unit = 0; unit < sizes.hidden; ++unit) {
          step_unit<decltype(cell)>(row, unit, next);
        }
      }
    });
    return next;
  }

  std::vector<float> on_device(CellKind kind, Precision precision) const {
    const DeviceArray<float> device_x(x, 1), device_w_ih(w_ih, 1), device_w_hh(w_hh, 1);
    const DeviceArray<float> device_b_ih(b_ih, 1), device_b_hh(b_hh, 1), device_state(state, 1);
    const DeviceArray<std::int32_t> device_ids(ids, 1);
    const auto split = static_cast<std::ptrdiff_t>(size_of(sizes.batch, sizes.hidden));
    const DeviceArray<float> h(std::vector<float>(state.begin(), state.begin() + split), 1);
    recurrent_step({.cell = kind,
                    .batch = sizes.batch,
                    .input = sizes.input,
                    .hidden = sizes.hidden,
                    .x = sizes.ids ? nullptr : device_x.data(),
                    .ids = sizes.ids ? device_ids.data() : nullptr,
                    .w_ih = device_w_ih.data(),
                    .w_hh = device_w_hh.data(),
                    .b_ih = device_b_ih.data(),
                    .b_hh = device_b_hh.data(),
                    .h = h.data(),
                    .state = device_state.data()},
                   precision, nullptr);
    return device_state.values();
  }
};

TEST_F(RecurrentStepKernel, InFp32TakesTheChainOfTheDefinition) {
  for (const CellInfo& cell : cells()) {
    for (const StepCase& step : kSteps) {
      const HostStep host(step, cell, fractions);
      EXPECT_EQ(host.on_device(cell.kind, Precision::fp32), host.expected(cell.kind))
          << cell.name << " B=" << step.batch << " I=" << step.input << " H=" << step.hidden;
    }
  }
}

TEST_F(RecurrentStepKernel, InBf16SumsWholeNumbersExactly) {
  const auto draw = [](std::size_t count, std::uint32_t seed) {
    return whole_numbers(count, 3, seed);
  };
  for (const CellInfo& cell : cells()) {
    for (const StepCase& step : kSteps) {
      const HostStep host(step, cell, draw);
      EXPECT_EQ(host.on_device(cell.kind, Precision::bf16), host.expected(cell.kind))
          << cell.name << " B=" << step.batch << " I=" << step.input << " H=" << step.hidden;
    }
  }
}

TEST_F(TransposeKernel, OverwritesOrAdds) {
  for (const auto& [rows, columns] :
       {std::pair{0, 3}, std::pair{1, 1}, std::pair{33, 64}, std::pair{70, 31}}) {
    const std::vector<float> from = fractions(size_of(rows, columns), 1);
    const std::vector<float> before = fractions(from.size(), 2);
    const DeviceArray<float> device_from(from);
    for (const Accumulate accumulate : {Accumulate::overwrite, Accumulate::add}) {
      std::vector<float> expected = before;
      for (std::int64_t i = 0; i < rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          float& element = expected[size_of(j, rows) + static_cast<std::size_t>(i)];
          const float moved = from[size_of(i, columns) + static_cast<std::size_t>(j)];
          element = accumulate == Accumulate::add ? element + moved : moved;
        }
      }
      const DeviceArray<float> to(before);
      transpose(device_from.data(), rows, columns, to.data(), accumulate, nullptr);
      EXPECT_EQ(to.values(), expected) << rows << " x " << columns;
    }
  }
}

}  // namespace
}  // namespace cadenza::kernels
