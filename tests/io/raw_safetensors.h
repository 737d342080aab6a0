// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace cadenza::test {

/// A safetensors file with this header text and `data_size` zero bytes, right or wrong.
inline std::vector<std::byte> raw_safetensors(std::string_view header, std::size_t data_size) {
  std::vector<std::byte> bytes(8 + header.size() + data_size);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

}  // namespace cadenza::test
