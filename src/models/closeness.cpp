// SPDX-License-Identifier: Apache-2.0
#include "models/closeness.h"

#include <cmath>

#include "nn/arrange.h"
#include "nn/ops.h"
#include "nn/recurrent_stack.h"

namespace cadenza {
namespace {

/// x [N, in] times a matrix [out, in] that does not learn.
Variable& multiply(Tape& tape, Variable& x, const std::vector<float>& matrix, std::int64_t out) {
  const Shape shape = {out, x.value().shape[1]};
  // The gradient goes to memory that nobody reads.
  Variable& weight = tape.parameter(tape.upload(std::span(matrix), shape), tape.allocate(shape));
  return linear(tape, x, {.weight = &weight});
}

/// [factor * 1, -factor * 1]: of two columns side by side the difference.
std::vector<float> difference(std::int64_t width, float factor) {
  std::vector<float> matrix(static_cast<std::size_t>(2 * width * width), 0.0F);
  for (std::int64_t i = 0; i < width; ++i) {
    matrix[static_cast<std::size_t>(i * 2 * width + i)] = factor;
    matrix[static_cast<std::size_t>(i * 2 * width + width + i)] = -factor;
  }
  return matrix;
}

}  // namespace

void add_closeness_specs(std::vector<ParameterSpec>& specs, std::int64_t width,
                         std::int64_t kernels) {
  specs.push_back({"closeness.weight",
                   {kernels * kKernelWidth, width},
                   1.0 / std::sqrt(static_cast<double>(width))});
}

Variable& closeness(Tape& tape, Parameters& parameters, Variable& pieces, std::int64_t kernels) {
  const std::int64_t rows = pieces.value().shape[0];
  const std::int64_t numbers = kernels * kKernelWidth;
  Variable& read =
      linear(tape, pieces, {.weight = &parameter(tape, parameters, "closeness.weight")});
  std::vector<std::int32_t> first;
  std::vector<std::int32_t> second;
  for (std::int32_t a = 0; a < rows; ++a) {
    for (std::int32_t b = 0; b < rows; ++b) {
      first.push_back(a);
      second.push_back(b);
    }
  }
  const auto picked = [&](const std::vector<std::int32_t>& ids) {
    return &gather_rows(tape, read, tape.upload(std::span(ids), {rows * rows}),
                        {rows * rows, numbers});
  };
  Variable& pairs = join_columns(tape, {picked(first), picked(second)});

  // |d| = relu(d) + relu(-d); summed over the numbers of a kernel, and negative.
  const auto above = [&](float factor) {
    Variable& d = multiply(tape, pairs, difference(numbers, factor), numbers);
    return &activation(tape, d, Activation::relu);
  };
  std::vector<float> sums(static_cast<std::size_t>(kernels * 2 * numbers), 0.0F);
  for (std::int64_t k = 0; k < kernels; ++k) {
    for (std::int64_t i = 0; i < kKernelWidth; ++i) {
      const std::int64_t at = k * 2 * numbers + k * kKernelWidth + i;
      sums[static_cast<std::size_t>(at)] = sums[static_cast<std::size_t>(at + numbers)] = -1.0F;
    }
  }
  Variable& apart = multiply(tape, join_columns(tape, {above(1.0F), above(-1.0F)}), sums, kernels);
  Variable& close = activation(tape, apart, Activation::sigmoid);

  std::vector<float> means(static_cast<std::size_t>(kernels * rows * kernels), 0.0F);
  for (std::int64_t k = 0; k < kernels; ++k) {
    for (std::int64_t b = 0; b < rows; ++b) {
      means[static_cast<std::size_t>((k * rows + b) * kernels + k)] =
          2.0F / static_cast<float>(rows);
    }
  }
  return multiply(tape, reshape(tape, close, {rows, rows * kernels}), means, kernels);
}

}  // namespace cadenza
