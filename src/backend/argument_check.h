// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "cadenza/backend.h"
#include "cadenza/cell.h"

namespace cadenza {

/// An expected extent with its letter, printed as "H=128", or as "T" if any value will do.
struct Extent {
  static constexpr std::int64_t kAny = -1;
  std::string_view letter;
  std::int64_t value = kAny;
};

/// Checks the arguments of one operation; each failure is an ArgumentError of the form
/// "operation: argument has ..., expected ...". Looks at descriptions only, never at elements.
class ArgumentCheck {
 public:
  ArgumentCheck(std::string_view operation, const Backend& backend)
      : operation_(operation), backend_(backend) {}

  /// Present, of this type and shape.
  void require(std::string_view name, const TensorView& view, DType dtype,
               std::initializer_list<Extent> extents) const;
  void require(std::string_view name, const TensorView& view, DType dtype,
               const Shape& shape) const;
  /// The same, or absent.
  void allow(std::string_view name, const TensorView& view, DType dtype,
             std::initializer_list<Extent> extents) const;
  void absent(std::string_view name, const TensorView& view, std::string_view reason) const;
  /// Present, and of a real type the backend computes in, which is returned.
  DType real(std::string_view name, const TensorView& view) const;
  /// No byte in common.
  void disjoint(std::string_view name, const TensorView& view, std::string_view other_name,
                const TensorView& other) const;
  /// The same memory or no byte in common.
  void same_or_disjoint(std::string_view name, const TensorView& view, std::string_view other_name,
                        const TensorView& other) const;
  /// All four arrays of a layer; `prefix` as in "weights.".
  void weights(std::string_view prefix, const RecurrentWeights& weights, const RecurrentSpec& spec,
               DType dtype) const;
  void spec(const RecurrentSpec& spec) const;
  void finite(std::string_view name, double value) const {
    that(std::isfinite(value), name, " is ", value, ", expected a finite number");
  }
  void rows(const DrawRows& rows, std::int64_t batch) const;

  template <typename... Parts>
  void that(bool ok, const Parts&... parts) const {
    check(ok, operation_, ": ", parts...);
  }

 private:
  void memory(std::string_view name, const TensorView& view, DType dtype) const;

  std::string_view operation_;
  const Backend& backend_;
};

}  // namespace cadenza
