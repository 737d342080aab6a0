// SPDX-License-Identifier: Apache-2.0
#include "nn/host_copy.h"

#include <span>

#include "cadenza/error.h"

namespace cadenza {

std::vector<double> download_real(Backend& backend, const TensorView& from) {
  const auto count = static_cast<std::size_t>(from.count());
  std::vector<double> numbers(count);
  if (from.dtype == DType::f64) {
    backend.download(from, std::as_writable_bytes(std::span(numbers)));
    return numbers;
  }
  check(from.dtype == DType::f32, "download: dtype is ", name_of(from.dtype), ", expected real");
  std::vector<float> narrow(count);
  backend.download(from, std::as_writable_bytes(std::span(narrow)));
  numbers.assign(narrow.begin(), narrow.end());
  return numbers;
}

void upload_real(Backend& backend, const std::vector<double>& from, const TensorView& to) {
  check(static_cast<std::int64_t>(from.size()) == to.count(), "upload: ", from.size(),
        " numbers for shape ", to.shape);
  if (to.dtype == DType::f64) {
    backend.upload(std::as_bytes(std::span(from)), to);
    return;
  }
  check(to.dtype == DType::f32, "upload: dtype is ", name_of(to.dtype), ", expected real");
  const std::vector<float> narrow(from.begin(), from.end());
  backend.upload(std::as_bytes(std::span(narrow)), to);
}

}  // namespace cadenza
