// SPDX-License-Identifier: Apache-2.0
#include "cadenza/shape.h"

#include <ostream>
#include <sstream>

#include "cadenza/error.h"

namespace cadenza {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : rank_(static_cast<int>(extents.size())) {
  check(extents.size() <= kMaxRank, "Shape: rank ", extents.size(), " exceeds ", kMaxRank);
  std::size_t i = 0;
  for (const std::int64_t extent : extents) {
    check(extent >= 0, "Shape: extent ", extent, " of dimension ", i, " is negative");
    extents_[i++] = extent;
  }
}

std::int64_t Shape::count() const {
  if (rank_ == 0) return 0;
  std::int64_t product = 1;
  for (int i = 0; i < rank_; ++i) product *= (*this)[i];
  return product;
}

std::string Shape::to_string() const {
  std::ostringstream out;
  out << *this;
  return out.str();
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '[';
  for (int i = 0; i < shape.rank(); ++i) out << (i > 0 ? ", " : "") << shape[i];
  return out << ']';
}

}  // namespace cadenza
