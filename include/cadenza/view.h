// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <type_traits>

#include "cadenza/tensor.h"

namespace cadenza {

/// Typed, row-major view for loops: `x(t, b, i)`. Bounds are asserted in debug builds.
template <typename T, int Rank>
class View {
 public:
  View() = default;
  /// An absent tensor gives a null view. ArgumentError for another rank or dtype.
  explicit View(const TensorView& tensor) : data_(tensor.as<std::remove_const_t<T>>()) {
    if (tensor.empty()) return;
    check(tensor.shape.rank() == Rank, "view: shape ", tensor.shape, " has rank ",
          tensor.shape.rank(), ", expected ", Rank);
    for (int i = 0; i < Rank; ++i) extents_[static_cast<std::size_t>(i)] = tensor.shape[i];
  }

  explicit operator bool() const { return data_ != nullptr; }
  T* data() const { return data_; }
  std::int64_t extent(int i) const { return extents_[static_cast<std::size_t>(i)]; }

  template <typename... Index>
  T& operator()(Index... index) const {
    static_assert(sizeof...(Index) == Rank);
    std::int64_t offset = 0;
    std::size_t dimension = 0;
    ((assert(index >= 0 && index < extents_[dimension]),
      offset = offset * extents_[dimension] + index, ++dimension),
     ...);
    return data_[offset];
  }

 private:
  T* data_ = nullptr;
  std::array<std::int64_t, Rank> extents_{};
};

}  // namespace cadenza
