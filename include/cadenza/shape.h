// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>

namespace cadenza {

/// Up to four extents, a value type. Rank 0 means "no tensor".
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  /// Throws ArgumentError for more than four or for negative extents.
  Shape(std::initializer_list<std::int64_t> extents);

  int rank() const { return rank_; }
  /// Extent of dimension `i`, 0 <= i < rank().
  std::int64_t operator[](int i) const { return extents_[static_cast<std::size_t>(i)]; }
  /// The same with another extent in dimension `i`.
  Shape with(int i, std::int64_t extent) const {
    Shape other = *this;
    other.extents_[static_cast<std::size_t>(i)] = extent;
    return other;
  }
  /// Product of the extents; 0 for rank 0.
  std::int64_t count() const;
  /// "[2, 8, 64]".
  std::string to_string() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape);

}  // namespace cadenza
