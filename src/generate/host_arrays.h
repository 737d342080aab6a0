// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "cadenza/backend.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Copies host values to a tensor of the same size.
template <typename T>
void put(Backend& backend, const std::vector<T>& values, const TensorView& to) {
  backend.upload(std::as_bytes(std::span(values)), to);
}

/// The elements of a tensor on the host.
template <typename T>
std::vector<T> get(Backend& backend, const TensorView& from) {
  std::vector<T> values(static_cast<std::size_t>(from.count()));
  backend.download(from, std::as_writable_bytes(std::span(values)));
  return values;
}

/// 0 and 1 for each key.
inline std::vector<float> to_floats(const Frame& frame) {
  std::vector<float> keys(frame.size());
  for (std::size_t i = 0; i < frame.size(); ++i) keys[i] = frame[i] ? 1.0F : 0.0F;
  return keys;
}

}  // namespace cadenza
