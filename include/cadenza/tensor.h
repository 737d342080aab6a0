// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "cadenza/dtype.h"
#include "cadenza/error.h"
#include "cadenza/shape.h"

namespace cadenza {

class Backend;

/// Memory of some backend seen as a row-major, contiguous array. Owns nothing; passed by value;
/// valid until its arena resets or its tensor dies. A default-constructed view means "absent".
struct TensorView {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;

  bool empty() const { return shape.rank() == 0; }
  std::int64_t count() const { return shape.count(); }
  std::size_t bytes() const { return static_cast<std::size_t>(count()) * size_of(dtype); }
  /// The same elements under another shape of equal count.
  TensorView reshaped(const Shape& other) const;
  /// Elements [begin, begin + count) along dimension 0.
  TensorView slice(std::int64_t begin, std::int64_t count) const;
  /// Element `i` along dimension 0, one rank lower (rank 1 gives shape [1]).
  TensorView at(std::int64_t i) const;
  /// Typed pointer; ArgumentError if the dtype differs.
  template <typename T>
  T* as() const {
    check(empty() || dtype == dtype_of<T>(), "tensor: dtype is ", name_of(dtype), ", expected ",
          name_of(dtype_of<T>()));
    return static_cast<T*>(data);
  }
};

/// Owns memory of one backend; move-only. For what lives longer than a step.
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(Backend& backend, const Shape& shape, DType dtype);
  Tensor(Tensor&& other) noexcept
      : backend_(std::exchange(other.backend_, nullptr)), view_(std::exchange(other.view_, {})) {}
  Tensor& operator=(Tensor&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(view_, other.view_);
    return *this;
  }
  ~Tensor();

  const TensorView& view() const { return view_; }
  operator TensorView() const { return view_; }  // NOLINT(google-explicit-constructor)

 private:
  Backend* backend_ = nullptr;
  TensorView view_;
};

}  // namespace cadenza
