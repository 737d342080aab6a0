// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Products of bytes on the matrix tiles of AMX, where a processor has them: an order of magnitude
// more multiply-adds a cycle than vectors do. Sums of integers are exact, so they are the same
// bits.

namespace cadenza::cpu {

/// Whether this process may use them; asks the system once.
bool amx_ready();

constexpr std::int64_t kAmxRows = 16;
constexpr std::int64_t kAmxColumns = 32;
constexpr std::int64_t kAmxDepth = 64;

/// Tiles are the calling thread's while it lives.
class AmxTiles {
 public:
  /// For up to 16 rows at a time, or twice 16.
  explicit AmxTiles(std::int64_t rows);
  ~AmxTiles();
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  /// sums [rows, 32] = codes [rows, 64 * depth], `stride` bytes apart, times a panel
  /// [16 * depth, 32, 4] of signed bytes.
  void multiply(const std::uint8_t* codes, std::int64_t stride, const std::byte* panel,
                std::int64_t depth, std::int32_t* sums) const;

 private:
  bool twice_;
};

}  // namespace cadenza::cpu
