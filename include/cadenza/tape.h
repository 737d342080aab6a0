// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "cadenza/backend.h"
#include "cadenza/tensor.h"

namespace cadenza {

/// Bump allocator for one step's activations. The same sequence of requests after reset() gives
/// the same addresses. Memory is not cleared.
class Arena {
 public:
  explicit Arena(Backend& backend) : backend_(&backend) {}
  TensorView allocate(const Shape& shape, DType dtype);
  /// Forgets every allocation and keeps the memory, in one block.
  void reset();

 private:
  Backend* backend_;
  std::vector<Tensor> blocks_;
  std::size_t used_ = 0;      // bytes of the last block
  std::size_t reserved_ = 0;  // bytes of all blocks
};

/// A value with a gradient, as the tape knows it. Gradients of activations are overwritten by
/// their first reader and added to by the others; gradients of parameters are always added to.
class Variable {
 public:
  explicit Variable(TensorView value, TensorView gradient = {},
                    Accumulate next = Accumulate::overwrite)
      : value_(value), gradient_(gradient), next_(next) {}
  const TensorView& value() const { return value_; }
  bool has_gradient() const { return !gradient_.empty(); }
  const TensorView& gradient() const { return gradient_; }
  /// How the next contribution is to be written; afterwards contributions are added.
  Accumulate take_mode() {
    const Accumulate mode = next_;
    next_ = Accumulate::add;
    return mode;
  }
  bool written() const { return next_ == Accumulate::add; }

 private:
  TensorView value_;
  TensorView gradient_;
  Accumulate next_;
};

enum class GradMode : std::uint8_t { none, record };

/// Records what each operation must do on the way back. Coarse: about ten records a step.
class Tape {
 public:
  Tape(Backend& backend, Arena& arena, DType dtype, GradMode mode)
      : backend_(&backend), arena_(&arena), dtype_(dtype), mode_(mode) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Backend& backend() const { return *backend_; }
  DType dtype() const { return dtype_; }
  bool recording() const { return mode_ == GradMode::record; }
  /// For another tape whose values this one reads.
  Arena& arena() const { return *arena_; }

  TensorView allocate(const Shape& shape, DType dtype) { return arena_->allocate(shape, dtype); }
  TensorView allocate(const Shape& shape) { return allocate(shape, dtype_); }
  /// Copies host values into the arena; f32 input is widened when the tape computes in f64.
  TensorView upload(std::span<const float> values, const Shape& shape);
  TensorView upload(std::span<const std::int32_t> values, const Shape& shape);

  /// A value without gradient.
  Variable& constant(const TensorView& value);
  /// A new activation; with a gradient if the tape records.
  Variable& activation(const Shape& shape);
  /// A parameter: its gradient is added to.
  Variable& parameter(const TensorView& value, const TensorView& gradient);

  /// Adds a step of the way back; dropped if the tape does not record.
  void record(std::function<void()> backward);
  /// The gradient of `variable`, filled with zeros if nothing has contributed.
  TensorView gradient_of(Variable& variable);
  /// Runs `write(target)`, which overwrites its argument with a contribution to the gradient of
  /// `variable`, and adds it if there was one before. Nothing happens for a constant.
  void contribute(Variable& variable, const std::function<void(const TensorView&)>& write);
  /// Runs the records in reverse, once.
  void backward();

 private:
  Backend* backend_;
  Arena* arena_;
  DType dtype_;
  GradMode mode_;
  std::deque<Variable> variables_;
  std::vector<std::function<void()>> records_;
};

}  // namespace cadenza
