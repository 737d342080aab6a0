// SPDX-License-Identifier: Apache-2.0
#include "cadenza/tensor.h"

#include "cadenza/backend.h"

namespace cadenza {
namespace {

// The extents of `shape` after the first, with `first` in front of them unless it is negative.
Shape replace_first(const Shape& shape, std::int64_t first) {
  const bool keep = first >= 0;
  switch (shape.rank()) {
    case 2:
      return keep ? Shape{first, shape[1]} : Shape{shape[1]};
    case 3:
      return keep ? Shape{first, shape[1], shape[2]} : Shape{shape[1], shape[2]};
    case 4:
      return keep ? Shape{first, shape[1], shape[2], shape[3]}
                  : Shape{shape[1], shape[2], shape[3]};
    default:
      return {keep ? first : 1};
  }
}

}  // namespace

TensorView TensorView::reshaped(const Shape& other) const {
  check(other.count() == count(), "reshape: ", shape, " to ", other, " changes the count");
  return {data, other, dtype};
}

TensorView TensorView::slice(std::int64_t begin, std::int64_t extent) const {
  check(!empty() && begin >= 0 && extent >= 0 && begin + extent <= shape[0], "slice: [", begin,
        ", ", begin + extent, ") of ", shape);
  const std::int64_t stride = shape[0] == 0 ? 0 : count() / shape[0];
  auto* start =
      static_cast<std::byte*>(data) + static_cast<std::size_t>(begin * stride) * size_of(dtype);
  return {start, replace_first(shape, extent), dtype};
}

TensorView TensorView::at(std::int64_t i) const {
  return {slice(i, 1).data, replace_first(shape, -1), dtype};
}

Tensor::Tensor(Backend& backend, const Shape& shape, DType dtype)
    : backend_(&backend), view_{nullptr, shape, dtype} {
  view_.data = backend.allocate(view_.bytes());
}

Tensor::~Tensor() {
  if (backend_ != nullptr) backend_->release(view_.data);
}

}  // namespace cadenza
