// SPDX-License-Identifier: Apache-2.0
#include "cadenza/tape.h"

#include <algorithm>
#include <utility>

namespace cadenza {
namespace {

constexpr std::size_t kArenaAlignment = 64;
constexpr std::size_t kFirstBlock = std::size_t{1} << 20;

}  // namespace

TensorView Arena::allocate(const Shape& shape, DType dtype) {
  const std::size_t bytes = static_cast<std::size_t>(shape.count()) * size_of(dtype);
  const std::size_t rounded = (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  if (blocks_.empty() || used_ + rounded > blocks_.back().view().bytes()) {
    const std::size_t size = std::max({rounded, kFirstBlock, reserved_});
    blocks_.emplace_back(*backend_, Shape{static_cast<std::int64_t>(size)}, DType::u8);
    reserved_ += size;
    used_ = 0;
  }
  auto* data = static_cast<std::byte*>(blocks_.back().view().data) + used_;
  used_ += rounded;
  return {data, shape, dtype};
}

void Arena::reset() {
  if (blocks_.size() > 1) {
    blocks_.clear();
    blocks_.emplace_back(*backend_, Shape{static_cast<std::int64_t>(reserved_)}, DType::u8);
  }
  used_ = 0;
}

TensorView Tape::upload(std::span<const float> values, const Shape& shape) {
  const TensorView target = allocate(shape);
  if (dtype_ == DType::f64) {
    const std::vector<double> wide(values.begin(), values.end());
    backend_->upload(std::as_bytes(std::span(wide)), target);
  } else {
    backend_->upload(std::as_bytes(values), target);
  }
  return target;
}

TensorView Tape::upload(std::span<const std::int32_t> values, const Shape& shape) {
  const TensorView target = allocate(shape, DType::i32);
  backend_->upload(std::as_bytes(values), target);
  return target;
}

Variable& Tape::constant(const TensorView& value) { return variables_.emplace_back(value); }

Variable& Tape::activation(const Shape& shape) {
  const TensorView value = allocate(shape);
  return variables_.emplace_back(value, recording() ? allocate(shape) : TensorView());
}

Variable& Tape::parameter(const TensorView& value, const TensorView& gradient) {
  return variables_.emplace_back(value, recording() ? gradient : TensorView(), Accumulate::add);
}

void Tape::record(std::function<void()> backward) {
  if (recording()) records_.push_back(std::move(backward));
}

TensorView Tape::gradient_of(Variable& variable) {
  if (variable.has_gradient() && variable.take_mode() == Accumulate::overwrite) {
    backend_->fill(variable.gradient(), 0.0);
  }
  return variable.gradient();
}

void Tape::contribute(Variable& variable, const std::function<void(const TensorView&)>& write) {
  if (!variable.has_gradient()) return;
  if (variable.take_mode() == Accumulate::overwrite) {
    write(variable.gradient());
    return;
  }
  const TensorView contribution = allocate(variable.value().shape);
  write(contribution);
  backend_->add(contribution, variable.gradient());
}

void Tape::backward() {
  while (!records_.empty()) {
    const auto record = std::move(records_.back());
    records_.pop_back();
    record();
  }
}

}  // namespace cadenza
