// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

namespace cadenza {

static_assert(std::endian::native == std::endian::little,
              "files are little-endian and copied without swapping");

/// A T at `bytes[offset]`, of any alignment; the caller has checked the range.
template <typename T>
T load_little(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace cadenza
